// What an operator does with one leg, and the numbers a person has to dial. Nothing is shown as done here:
// how a leg stands is what the timeline says.
import { signal } from "@preact/signals";
import { getCalls, postCallAction } from "./api.js";
import { legName } from "./call_words.js";
import { troubleKey } from "./commands.js";
import { wishFocus } from "./focus.js";
import { dismissNotice, inform, warn } from "./notice.js";
import { passive } from "./one_console.js";
import { sessionEnded } from "./session.js";

/** @typedef {import("console-api").Leg} Leg */
/** @typedef {import("console-api").CallAction["action"]} LegAction */

/** Commands on their way, by call. */
export const pendingLegs = signal(/** @type {Record<string, LegAction | undefined>} */ ({}));

/** Call -> number, of calls to dial by hand; empty: none is known. */
export const numbers = signal(/** @type {Record<string, string>} */ ({}));
export const numbersMissing = signal(false);

const DONE = { hang_up: "done.leg_hang_up", hold: "done.leg_hold", unhold: "done.leg_unhold" };

/** @type {Record<string, string>} */
const REFUSED = { resident_stays: "leg_refused.resident_stays", no_news: "leg_refused.no_news" };

/** @param {string} id @param {LegAction | undefined} action */
function mark(id, action) {
  pendingLegs.value = { ...pendingLegs.value, [id]: action };
}

/** @param {Leg} call @param {LegAction} action */
export async function actOnLeg(call, action) {
  if (pendingLegs.value[call.id]) return;
  if (passive.value) return warn("why_not.elsewhere");
  dismissNotice();
  mark(call.id, action);
  const answer = await postCallAction(call.id, action);
  mark(call.id, undefined);
  const name = legName(call);
  if (answer.ok) {
    inform(DONE[action], { name });
    if (action === "hang_up") wishFocus("legs"); // its button goes away
  } else if (answer.why === "signed_out") {
    sessionEnded();
  } else if (answer.status === 409) {
    warn(REFUSED[answer.problem?.code ?? ""] ?? "leg_refused.not_now", { name });
  } else {
    warn(troubleKey(answer.why), { detail: answer.problem?.detail });
  }
}

/** @param {string} alertId */
export async function fetchNumbers(alertId) {
  const answer = await getCalls(new URLSearchParams({ alert: alertId, outcome: "by_hand", limit: "1000" }));
  numbersMissing.value = !answer.ok;
  if (!answer.ok) return;
  const found = Object.fromEntries(answer.body.calls.map((call) => [call.id, call.number]));
  numbers.value = { ...numbers.value, ...found };
}

export function forgetNumbers() {
  numbers.value = {};
}
