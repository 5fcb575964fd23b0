// Which of this operator's consoles is the active one, as the centre says it. The others are read-only and silent, and
// say so. Without an answer, or with the connection lost, a console is active: when in doubt, ring.
import { computed, signal } from "@preact/signals";
import { link } from "./live.js";
import { locked } from "./privacy.js";

const ASKED = "console.asked";

/** The name of this page for as long as it is open, over broken connections. */
const PAGE = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;

const active = signal(true);

/** Another console of this operator rings and acts. */
export const passive = computed(() => !active.value && link.value.phase !== "lost");

/** When this tab asked to be the active one, 0: never. Of the tab, so that a reload does not hand over to another. */
let asked = Number(sessionStorage.getItem(ASKED)) || 0;
let asking = false;
let send = (/** @type {unknown} */ _message) => {};

/** @param {{ takeOver: boolean }} how */
function introduce({ takeOver }) {
  asking = takeOver;
  send({ type: "page", page: PAGE, asked, take_over: takeOver });
}

/** After every connection: the centre decides by when each of them asked. */
export const introducePage = () => introduce({ takeOver: false });

export const askToBeActive = () => introduce({ takeOver: true });

/** @param {import("console-api").LiveConsole} frame */
export function hearConsole(frame) {
  asking = false;
  asked = frame.asked;
  sessionStorage.setItem(ASKED, String(asked));
  active.value = frame.active;
}

/** Somebody else may sign in here next. */
export function forgetConsole() {
  asking = false;
  asked = 0;
  sessionStorage.removeItem(ASKED);
  active.value = true;
}

/** Whoever uses the console that is active by itself wants it to stay so.
 * @param {(message: unknown) => void} sends */
export function startOneConsole(sends) {
  send = sends;
  const used = () => {
    if (active.value && asked === 0 && !asking && !locked.value) askToBeActive();
  };
  for (const sign of ["pointerdown", "keydown"]) addEventListener(sign, used, { capture: true, passive: true });
}
