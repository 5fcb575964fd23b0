// What an entry of the timeline says, as a sentence. A rule this page does not know yet is said by its
// identifier: a line that is hard to read is better than a line that is missing.
import { callValues, reasonWords, ruleKey } from "./call_words.js";
import { has, t, word } from "./i18n.js";
import { operatorName } from "./operators.js";
import { said } from "./steps.js";

/** @typedef {import("console-api").Entry} Entry */
/** @typedef {readonly import("console-api").Contact[]} Contacts */

/** @param {string} actor `operator:ID`, `device:ID` or `system` */
export function actorName(actor) {
  const [sort, id] = actor.split(":", 2);
  if (sort === "operator" && id) return operatorName(id);
  if (sort === "call") return t("actor.telephone");
  if (sort === "device" && id) return t("actor.device", { id });
  return word("actor", actor);
}

/** @param {unknown} id @param {Contacts} contacts */
function contactName(id, contacts) {
  return contacts.find((one) => one.id === id)?.name ?? String(id);
}

/** @param {string} effect @param {Contacts} contacts @param {Entry["data"]} data whom it was about */
function effectWords(effect, contacts, data) {
  const about = { group: word("group", String(data.group)), contact: contactName(data.contact, contacts),
    name: data.name };
  return has(`effect.${effect}`) ? t(`effect.${effect}`, about) : effect;
}

/** @param {unknown} named steps of a plan, as rules write them down */
function stepWords(named) {
  const steps = /** @type {import("console-api").StepName[]} */ (Array.isArray(named) ? named : []);
  return steps.map((step) => said(step.words)).join("; ");
}

/** How a value of an entry is said; anything else is said as it is.
 * @type {Record<string, (value: string, contacts: Contacts, data: Entry["data"]) => string>} */
const SPOKEN = {
  outcome: (value) => word("outcome", value),
  outcome_before: (value) => word("outcome", value),
  rung: (value) => word("rung", value),
  proof: (value) => word("proof", value),
  kind: (value) => word("kind", value),
  level: (value) => word("level", value),
  effect: effectWords,
  reason: reasonWords,
  to: operatorName,
  from: operatorName,
  operator: operatorName,
  contact: contactName,
  words: (_value, _contacts, { words }) => said(/** @type {import("console-api").Title} */ (words)),
  undone: (_value, _contacts, { undone }) => stepWords(undone),
};

/** @param {Entry} entry @param {Contacts} contacts */
export function sentence(entry, contacts) {
  const values = Object.entries(entry.data)
    .filter(([, value]) => value !== null && value !== "")
    .map(([name, value]) => [name, SPOKEN[name]?.(String(value), contacts, entry.data) ?? value]);
  const key = ruleKey(entry);
  const named = { ...Object.fromEntries(values), ...callValues(entry), actor: actorName(entry.actor) };
  return has(key) ? t(key, named) : entry.rule;
}
