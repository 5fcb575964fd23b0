// What waits on the telephone beside the alerts: callers to call back, and calls a person has to dial.
import { signal } from "@preact/signals";
import { getDebts, getManualCalls } from "./api.js";
import { plural } from "./i18n.js";
import { legOf } from "./legs.js";
import { html } from "./markup.js";
import { sessionEnded } from "./session.js";

const LOOK_AGAIN_MS = 15_000;
const PAUSE_MS = 500;

const owed = signal(0);
const manual = signal(0);
let looking = /** @type {ReturnType<typeof setInterval> | undefined} */ (undefined);
let soon = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);

/** What is only about to be sent is listed too, and is no work yet; an operator hears the console.
 * @param {import("console-api").LoggedCall} call */
const toDial = (call) => call.outcome === "by_hand" && call.role !== "operator";

async function look() {
  soon = undefined;
  const [debts, calls] = await Promise.all([getDebts(), getManualCalls()]);
  if (looking === undefined) return;
  if (debts.ok) owed.value = debts.body.debts.length;
  if (calls.ok) manual.value = calls.body.calls.filter(toDial).length;
  if (!debts.ok && debts.why === "signed_out") sessionEnded();
}

/** A burst of entries is one look.
 * @param {import("console-api").LiveEntry} entry */
export function hearWork(entry) {
  const concerns = entry.rule.startsWith("debt.") || legOf(entry)?.outcome === "by_hand"
    || entry.rule === "operator.resolves";
  if (concerns && looking !== undefined) soon ??= setTimeout(look, PAUSE_MS);
}

export function startLooking() {
  looking = setInterval(look, LOOK_AGAIN_MS);
  look();
}

export function stopLooking() {
  clearInterval(looking);
  clearTimeout(soon);
  looking = undefined;
  soon = undefined;
  owed.value = 0;
  manual.value = 0;
}

export function DeskWork() {
  const any = owed.value + manual.value > 0;
  return html`<a class=${any ? "work work-waiting" : "work"} href="/calls" target="_blank" rel="noopener">
    ${plural("work.owed", owed.value)} · ${plural("work.manual", manual.value)}</a>`;
}
