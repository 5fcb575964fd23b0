// Whom the owner can bring into the room: colleagues, the resident's contacts, hospitals. Any other is a typed number.
import { signal } from "@preact/signals";
import { getHospitals } from "./api.js";
import { detail } from "./detail.js";
import { operators, operatorText, refreshOperators } from "./operators.js";
import { session } from "./session.js";

const hospitals = signal(/** @type {import("console-api").Responder[]} */ ([]));

export async function refreshGuests() {
  refreshOperators();
  const answer = await getHospitals();
  if (answer.ok) hospitals.value = answer.body.responders;
}

/** @returns {{ value: string, text: string }[]} */
export function guests() {
  const contacts = detail.value?.data?.contacts.filter((one) => one.phone) ?? [];
  const others = operators.value.filter((one) => one.id !== session.value?.operator.id);
  return [
    ...contacts.map((one) => ({ value: `contact:${one.id}`, text: `${one.name} ${one.relation}` })),
    ...others.map((one) => ({ value: `operator:${one.id}`, text: operatorText(one) })),
    ...hospitals.value.map((one) => ({ value: `responder:${one.id}`, text: one.name })),
  ];
}
