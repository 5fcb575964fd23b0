// What follows from the steps of a response plan alone: which is next, which are in the way of the end, how one is
// said. Pure functions.
import { language } from "./i18n.js";

/** @typedef {import("console-api").Step} Step */
/** @typedef {import("console-api").Entry} Entry */
/** @typedef {readonly Step[]} Plan */

/** The first that is not done; the order is advice. @param {Plan} plan */
export const nextOf = (plan) => plan.find((step) => !step.done);

/** The required ones that are not done. @param {Plan} plan */
export const missingOf = (plan) => plan.filter((step) => step.required && !step.done);

/** In the language of the page.
 * @param {import("console-api").Title} words */
export const said = (words) => words[language.value];

/** The plan after an entry of the live feed: the rest of it comes with the card.
 * @param {Step[]} plan @param {Entry} entry @returns {Step[]} */
export function heardStep(plan, entry) {
  if (entry.rule !== "operator.does_step" || !entry.data.step) return plan;
  const id = entry.actor.slice("operator:".length);
  const text = String(entry.data.text ?? "");
  return plan.map((step) =>
    step.id === entry.data.step && !step.done ? { ...step, done: true, at: entry.at, by: { id, name: id }, text } : step);
}
