// The operator's own seat: whether calls are put through, and to which telephone. Only what the centre has
// stored is shown.
import { signal } from "@preact/signals";
import { getSeat, putSeat } from "./api.js";
import { troubleKey } from "./commands.js";
import { inform, warn } from "./notice.js";
import { session, sessionEnded } from "./session.js";

/** @typedef {import("console-api").OwnSeat} OwnSeat */

const ASK_AGAIN_MS = 3_000;

/** null: not known yet. */
export const seat = signal(/** @type {OwnSeat | null} */ (null));
export const saving = signal(false);
export const phoneShown = signal(false);

export async function loadSeat() {
  const answer = await getSeat();
  if (!session.value) return;
  if (answer.ok) seat.value = answer.body;
  else if (answer.why === "signed_out") sessionEnded();
  else setTimeout(loadSeat, ASK_AGAIN_MS);
}

export function forgetSeat() {
  seat.value = null;
  phoneShown.value = false;
}

/** @param {OwnSeat} wanted @returns {Promise<boolean>} */
export async function saveSeat(wanted) {
  if (saving.value) return false;
  saving.value = true;
  const answer = await putSeat(wanted);
  saving.value = false;
  if (answer.ok) {
    seat.value = answer.body;
    inform("done.seat");
    return true;
  }
  if (seat.value) seat.value = { ...seat.value }; // the choice goes back to what is stored
  if (answer.why === "signed_out") sessionEnded();
  else warn(answer.status === 400 ? "seat.bad_phone" : troubleKey(answer.why), { detail: answer.problem?.detail });
  return false;
}

/** Somebody took a seat: perhaps this operator, on another page.
 * @param {import("console-api").LiveEntry} entry */
export function hearSeat(entry) {
  if (entry.rule === "seat.taken" && entry.data.operator === session.value?.operator.id) loadSeat();
}
