// The facts of a record in words.
import { has, t } from "./i18n.js";

/** @param {string} fact as the history names it */
export const factText = (fact) => t(`fact.${fact.replace(".", "_")}`);

/** With its year: what is known since a day may be known since long ago. @param {string} iso */
export const dayText = (iso) => new Date(iso).toLocaleDateString("sv-SE");
/** @param {string} iso */
export const momentText = (iso) => new Date(iso).toLocaleString("sv-SE");

/** @param {any} one */
const contact = (one) => [one.name, one.relation, one.phone, one.keyholder && t("fact.keyholder")].filter(Boolean).join(" ");

/** @param {any} one what somebody has said to a purpose */
function consent(one) {
  return one.withdrawn_on
    ? t(one.given_on ? "consent.withdrawn" : "consent.refused", { day: one.withdrawn_on, by: one.withdrawn_by })
    : t("consent.given", { day: one.given_on, by: one.given_by });
}

/** @param {string} fact @param {any} value */
export function valueText(fact, value) {
  const key = `choice.${fact}.${value === "" ? "none" : value}`;
  if (has(key)) return t(key);
  if (value === null || value === undefined || value === "") return t("register.nothing");
  if (typeof value === "boolean") return t(value ? "register.yes" : "register.no");
  if (Array.isArray(value)) return value.length ? value.map(contact).join("; ") : t("register.nothing");
  if (typeof value === "object") return consent(value);
  return String(value);
}
