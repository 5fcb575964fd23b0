// The legs of an alert, read from its timeline: who is on which telephone, how it stands, and since when.

/** @typedef {import("console-api").Alert} Alert */
/** @typedef {import("console-api").Entry} Entry */
/** @typedef {import("console-api").Leg} Leg */
/** @typedef {{ call: Leg, state: string, since: string, wanted: string, ending: boolean }} LegView */

/** Somebody of ours, or we ourselves, has asked for its end; the line has not said yet that it is over. */
const ENDING = new Set(["call.hung_up", "call.unwanted"]);
const OVER = new Set(["ended", "failed"]);
/** Whose line is never cut while the alert is open: they ask for help. */
const STAYING = new Set(["elder", "caller"]);
/** Whom nobody needs to dial any more once somebody goes. */
const ASKED = new Set(["responder", "family"]);

/** The leg an entry tells of. Rules of the alert name a call only by its id.
 * @param {Entry} entry @returns {Leg | null} */
export function legOf(entry) {
  const { call } = entry.data;
  return typeof call === "object" && call !== null && "role" in call ? /** @type {Leg} */ (call) : null;
}

/** One word for how it stands; shape, text and style follow from it.
 * @param {Leg} call @param {boolean} ending */
function stateOf(call, ending) {
  if (call.outcome === "by_hand") return "by_hand";
  if (OVER.has(call.state)) return "ended";
  if (ending) return "ending";
  if (call.held) return "held";
  // It rings until a person joins it: the caller hears music.
  if (call.direction === "inbound" && call.state === "ringing") return "waits";
  return call.in_room ? "in_room" : call.state;
}

/** In the order in which they were wanted: a row never moves under the operator's hand.
 * @param {readonly Entry[]} timeline oldest first @returns {LegView[]} */
export function legsOf(timeline) {
  /** @type {Map<string, LegView>} */
  const legs = new Map();
  for (const entry of timeline) {
    const call = legOf(entry);
    if (!call) continue;
    const before = legs.get(call.id);
    const ending = Boolean(before?.ending) || ENDING.has(entry.rule);
    const state = stateOf(call, ending);
    const since = before?.state === state ? before.since : entry.at;
    legs.set(call.id, { call, state, since, wanted: before?.wanted ?? entry.at, ending });
  }
  return [...legs.values()];
}

/** @param {LegView} leg */
export const isOver = (leg) => OVER.has(leg.call.state);

/** @param {Alert} alert */
const isUnresolved = (alert) => alert.state !== "resolved" && alert.state !== "closed";

const SPEAKING = new Set(["talking", "in_room", "held"]);

/** @param {readonly Entry[]} timeline @param {string} operator whether they are on the telephone */
export const speaks = (timeline, operator) =>
  legsOf(timeline).some(({ call, state }) => call.party === `operator:${operator}` && SPEAKING.has(state));

/** @param {LegView} leg @param {Alert} alert */
export function mayHangUp(leg, alert) {
  return !isOver(leg) && !leg.ending && !(STAYING.has(leg.call.role) && isUnresolved(alert));
}

/** @param {LegView} leg */
export const mayHold = (leg) => leg.call.state === "talking" && !leg.ending;

/** Whether a person still has to dial it: an operator hears the console, nothing newer rings the same one, and nobody goes already.
 * @param {LegView} leg @param {readonly LegView[]} legs @param {Alert} alert */
export function wantsHand(leg, legs, alert) {
  if (leg.state !== "by_hand" || leg.call.role === "operator" || !isUnresolved(alert)) return false;
  if (alert.responder && ASKED.has(leg.call.role) && leg.call.dialogue !== "consult") return false;
  const same = legs.filter((one) => one.call.party === leg.call.party);
  return same[same.length - 1] === leg;
}
