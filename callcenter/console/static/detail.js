// The alert that is open on the right: which one, and the freshest card and timeline of it.
import { signal } from "@preact/signals";
import { getAlert } from "./api.js";
import { sessionEnded } from "./session.js";
import { heardStep } from "./steps.js";

/** @typedef {import("console-api").AlertDetail} AlertDetail */
/** @typedef {{ id: string, data: AlertDetail | null, trouble: "missing" | "unreachable" | null }} Detail */

const PAUSE_MS = 200;
const RETRY_MS = 3_000;

export const openedId = signal(/** @type {string | null} */ (null));
export const detail = signal(/** @type {Detail | null} */ (null));

let asking = false;
let askAgain = false;

/** @param {string} id */
export function openAlert(id) {
  if (openedId.value !== id) {
    openedId.value = id;
    detail.value = { id, data: null, trouble: null };
  }
  refreshDetail();
}

export function leaveAlert() {
  openedId.value = null;
  detail.value = null;
}

/** @param {string} id @param {Awaited<ReturnType<typeof getAlert>>} answer */
function take(id, answer) {
  if (openedId.value !== id) return;
  if (answer.ok) {
    detail.value = { id, data: answer.body, trouble: null };
    return;
  }
  if (answer.why === "signed_out") return sessionEnded();
  const trouble = answer.status === 404 ? "missing" : "unreachable";
  detail.value = { id, data: detail.value?.data ?? null, trouble };
  if (trouble === "unreachable") setTimeout(refreshDetail, RETRY_MS);
}

/** An entry of the live feed is shown before the card is asked for again: legs change while they ring.
 * @param {import("console-api").LiveEntry} entry */
export function hearEntry(entry) {
  const shown = detail.value;
  if (!shown?.data || shown.id !== entry.alert_id) return;
  const { timeline, plan } = shown.data;
  if (entry.n <= (timeline[timeline.length - 1]?.n ?? 0)) return;
  detail.value = { ...shown, data: { ...shown.data, timeline: [...timeline, entry], plan: heardStep(plan, entry) } };
}

/** At most one request at a time: a burst of entries costs two requests, not a hundred. */
export async function refreshDetail() {
  const id = openedId.value;
  if (id === null) return;
  if (asking) {
    askAgain = true;
    return;
  }
  asking = true;
  take(id, await getAlert(id));
  const changedMeanwhile = askAgain;
  askAgain = false;
  asking = false;
  if (openedId.value !== id) refreshDetail();
  else if (changedMeanwhile) setTimeout(refreshDetail, PAUSE_MS);
}
