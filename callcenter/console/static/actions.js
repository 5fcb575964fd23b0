// What an operator can do to an alert: one table of actions with their keys and form fields, and the
// reasons why one is not possible now.
import { passive } from "./one_console.js";
import { isUnclaimed } from "./order.js";

/** @typedef {import("console-api").Alert} Alert */
/** @typedef {import("console-api").AlertDetail} AlertDetail */
/** @typedef {import("console-api").ActionName} ActionName */
/** @typedef {"text" | "outcome" | "to" | "case_number" | "person" | "party" | "number"} FieldName */
/** `oneOf`: exactly one of these is filled in.
 * @typedef {{ id: ActionName, key: string, fields: FieldName[], required: FieldName[], oneOf?: FieldName[] }} ActionRow */

/** In the order of the script: take it, speak, send, hand over, write down, end.
 * @type {readonly ActionRow[]} */
export const ACTIONS = [
  { id: "claim", key: "c", fields: [], required: [] },
  { id: "call_resident", key: "p", fields: [], required: [] },
  { id: "no_voice", key: "v", fields: [], required: [] },
  { id: "dispatch", key: "d", fields: ["text"], required: [] },
  { id: "offer_next", key: "a", fields: [], required: [] },
  { id: "ask_above", key: "u", fields: [], required: [] },
  { id: "hold", key: "w", fields: ["text"], required: ["text"] },
  { id: "arrived", key: "e", fields: [], required: [] },
  { id: "found", key: "f", fields: [], required: [] },
  { id: "hand_over", key: "h", fields: ["case_number", "person", "text"], required: [] },
  { id: "note", key: "n", fields: ["text"], required: ["text"] },
  { id: "transfer", key: "t", fields: ["to", "text"], required: ["to"] },
  { id: "bring_in", key: "g", fields: ["party", "number", "person"], required: [], oneOf: ["party", "number"] },
  { id: "release", key: "b", fields: ["text"], required: [] },
  { id: "resolve", key: "r", fields: ["outcome", "text"], required: ["outcome"] },
  { id: "close", key: "x", fields: ["text"], required: [] },
  { id: "reopen", key: "o", fields: ["text"], required: ["text"] },
];

/** What is said to a colleague who asks, or taken back from one; their place is beside the request.
 * @type {readonly ActionRow[]} */
export const ANSWERS = [
  { id: "take_over", key: "y", fields: [], required: [] },
  { id: "decline", key: "k", fields: [], required: [] },
];

/** @type {readonly import("console-api").OutcomeCode[]} */
export const OUTCOMES = [
  "helped_at_home",
  "taken_to_hospital",
  "advice_by_phone",
  "family_informed",
  "false_alarm",
  "test_or_drill",
  "device_fault",
  "service_arranged",
  "nobody_found",
  "deceased",
  "other",
];

/** @param {string} id */
export function actionRow(id) {
  return [...ACTIONS, ...ANSWERS].find((row) => row.id === id);
}

/** @param {Alert} alert @param {string} me @returns {string[]} */
function answersOf(alert, me) {
  if (!alert.transfer) return [];
  if (alert.transfer.to.id === me) return ["take_over", "decline"];
  return alert.owner?.id === me ? ["decline"] : [];
}

/** What may be done, before the card has come: only what the row itself proves.
 * @param {Alert} alert @param {AlertDetail | null} data @param {string} me @returns {ReadonlySet<string>} */
export function allowedActions(alert, data, me) {
  if (passive.value) return new Set();
  const proved = isUnclaimed(alert) ? ["claim", "note"] : ["note"];
  const others = (data?.actions ?? proved).filter((id) => !ANSWERS.some((row) => row.id === id));
  return new Set([...others, ...answersOf(alert, me)]);
}

/** The step the script expects now; its button is shown as the next one and gets the focus.
 * @param {Alert} alert @param {string} me @returns {ActionName | null} */
export function nextStep(alert, me) {
  if (isUnclaimed(alert)) return "claim";
  if (alert.owner?.id !== me && alert.state !== "resolved") return null;
  /** @type {Record<string, ActionName>} */
  const steps = {
    claimed: "call_resident",
    helping: "resolve",
    handed_over: "resolve",
    resolved: "close",
    closed: "reopen",
  };
  return steps[alert.state] ?? null;
}

/** Why an action is not possible, as a catalogue key; the owner's name goes with it.
 * @param {string} action @param {Alert} alert @param {string} me */
export function whyNot(action, alert, me) {
  if (passive.value) return "why_not.elsewhere";
  if (action === "close" && alert.state !== "resolved") {
    return alert.state === "closed" ? "why_not.closed" : "why_not.resolve_first";
  }
  if (ANSWERS.some((row) => row.id === action)) return "why_not.not_asked";
  if (action === "transfer" && alert.transfer) return "why_not.asked";
  if (action === "reopen") return "why_not.still_open";
  if (alert.state === "closed") return "why_not.closed";
  if (alert.state === "resolved") return "why_not.resolved";
  if (isUnclaimed(alert)) return "why_not.claim_first";
  if (alert.owner?.id === me) return action === "claim" ? "why_not.yours" : "why_not.not_now";
  return "why_not.owned";
}
