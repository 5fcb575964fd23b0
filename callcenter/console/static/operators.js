// The other operators: names for the timeline, and who can take an alert over.
import { signal } from "@preact/signals";
import { getOperators } from "./api.js";

/** @typedef {import("console-api").OperatorPresence} OperatorPresence */

export const operators = signal(/** @type {OperatorPresence[]} */ ([]));

export async function refreshOperators() {
  const answer = await getOperators();
  if (answer.ok) operators.value = answer.body.operators;
}

/** The name shown for an operator's id; the id itself while the name is not known.
 * @param {string} id */
export function operatorName(id) {
  return operators.value.find((one) => one.id === id)?.name ?? id;
}
