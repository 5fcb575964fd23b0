// The other operators: names for the timeline, and who can take an alert over.
import { signal } from "@preact/signals";
import { getOperators } from "./api.js";
import { t } from "./i18n.js";

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

/** Signed in, and not on a seat that takes no calls.
 * @param {OperatorPresence} one */
export const canBeAsked = (one) => one.online && (one.seat === null || one.seat === "ready");

/** Name and state, as it stands in a list to choose from.
 * @param {OperatorPresence} one */
export function operatorText(one) {
  if (!one.online) return t("form.operator_away", { name: one.name });
  return t("form.operator_seat", { name: one.name, seat: t(one.seat === null ? "form.no_seat" : `seat.${one.seat}`) });
}
