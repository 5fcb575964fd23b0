// Calls in words: who is at the other end, how a leg stands, and what an entry about a call says.
import { has, t, word } from "./i18n.js";
import { legOf } from "./legs.js";
import { operatorName } from "./operators.js";

/** @typedef {import("console-api").Entry} Entry */
/** @typedef {import("console-api").Leg} Leg */

/** @type {Record<string, string>} */
const STATES = {
  wanted: "leg.wanted",
  placed: "leg.placed",
  unknown: "leg.unknown",
  ringing: "leg.ringing",
  waits: "leg.waits",
  talking: "leg.talking",
  in_room: "leg.in_room",
  held: "leg.held",
  ending: "leg.ending",
  by_hand: "leg.by_hand",
};

/** @param {Leg} call */
export function legName(call) {
  return call.name || word("call_role", call.role);
}

/** @param {Leg} call @param {string} state as legs.js names it */
export function legWord(call, state) {
  const key = STATES[state];
  if (key) return t(key);
  return t("leg.ended", { outcome: call.outcome ? word("call_outcome", call.outcome) : t("leg.over") });
}

/** @type {Record<string, string>} */
const OF_TRANSFER = { accepted: "leg.takes_over" };

/** What the person at the other end decided.
 * @param {Leg} call */
export function answerWord(call) {
  if (call.dialogue === "transfer") return t(OF_TRANSFER[call.answer ?? ""] ?? "leg.takes_not");
  return t(`call_answer.${call.answer}`);
}

/** @param {Leg} call */
function who(call) {
  return call.name ? t("leg.named", { name: call.name, role: word("call_role", call.role) }) : word("call_role", call.role);
}

/** A reason may be a word of ours, the way a call ended, or the operator who wanted it.
 * @param {string} reason */
export function reasonWords(reason) {
  if (reason.startsWith("operator:")) return operatorName(reason.slice("operator:".length));
  return has(`reason.${reason}`) ? t(`reason.${reason}`) : word("call_outcome", reason);
}

/** One rule, several things to say. Each answers with the key, or with nothing if the usual one is right.
 * @type {Record<string, (data: Entry["data"]) => string | false>} */
const VARIANTS = {
  "alarm.opens": ({ src }) => src === "drill" && "rule.alarm.opens_drill",
  "call.input": ({ digits, answer }) =>
    (answer === "too_late" && "rule.call.too_late") ||
    (typeof digits !== "string" ? "rule.call.input_nothing" : digits === "" && "rule.call.input_spoken"),
  "operator.transfers": ({ asked }) => asked === true && "rule.operator.transfers_asked",
  "operator.does_step": ({ step }) => Boolean(step) && "rule.operator.does_named_step",
  "operator.resolves": ({ undone }) => Array.isArray(undone) && "rule.operator.resolves_undone",
  "transfer.declined": ({ kept }) => kept === true && "rule.transfer.declined_kept",
  "call.inbound": ({ salvaged }) => Boolean(salvaged) && "rule.call.inbound_salvaged",
  "call.by_hand": ({ reason }) => reason === "no_news" && "rule.call.by_hand_unsure",
  "call.left_alone": ({ reason }) => reason === "nobody_came" && "rule.call.left_alone_again",
  "call.held": ({ held }) => held === false && "rule.call.held_back",
  "call.not_placed": ({ outcome }) => outcome === "by_hand" && "rule.call.not_placed_by_hand",
  "debt.due": ({ by_hand }) => by_hand === true && "rule.debt.due_by_hand",
  "responder.sees_key": ({ operator }) => Boolean(operator) && "rule.responder.sees_key_by_link",
  "help.asks_next": ({ reason }) => reason === "nobody_left" && "rule.help.asks_nobody",
};

/** @param {Entry} entry */
export function ruleKey(entry) {
  return VARIANTS[entry.rule]?.(entry.data) || `rule.${entry.rule}`;
}

/** What the sentence of an entry about a call may name; nothing for all other entries.
 * @param {Entry} entry @returns {Record<string, string>} */
export function callValues(entry) {
  if (!/^(call|debt)\./.test(entry.rule)) return {};
  const call = legOf(entry);
  const { reason, outcome } = entry.data;
  /** @type {Record<string, string>} */
  const values = {};
  if (call) values.who = who(call);
  if (call?.outcome) values.outcome = word("call_outcome", call.outcome);
  else if (outcome) values.outcome = word("call_outcome", String(outcome));
  if (reason) values.reason = reasonWords(String(reason));
  return values;
}

/** Steps of the line that tell an operator nothing the legs do not show; kept, and shown on demand. */
const STEPS = new Set([
  "call.dialling", "call.placed", "call.named", "call.queued", "call.rings", "call.not_taken", "call.looked_for",
  "call.queue", "call.alone", "call.never_placed", "call.joined", "call.left", "call.recorded", "call.not_recorded", "call.unwanted",
]);

/** @param {Entry} entry */
export function isStep({ rule, data }) {
  if (rule === "call.hung_up") return !String(data.reason).startsWith("operator:");
  // A key that decides something is told by the alert's own entry; a wrong one is worth a line.
  if (rule === "call.input") return (Boolean(data.answer) && data.answer !== "too_late") || typeof data.digits !== "string" || data.digits === "";
  return STEPS.has(rule);
}
