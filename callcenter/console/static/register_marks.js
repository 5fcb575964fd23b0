// How a field of the register's form is tied to what is wrong with it.
import { t } from "./i18n.js";
import { html } from "./markup.js";
import { faults } from "./register_book.js";

/** @param {string} name */
export const fieldId = (name) => `fact-${name.replaceAll(".", "-")}`;

/** What ties a field to what is wrong with it. @param {string} name */
export const marksOf = (name) => faults.value[name]
  ? { "aria-invalid": "true", "aria-describedby": `${fieldId(name)}-fault` } : {};

/** @param {{ name: string }} props */
export function FaultOf({ name }) {
  const key = faults.value[name];
  return key ? html`<span class="fact-fault" id=${`${fieldId(name)}-fault`}>${t(key)}</span>` : null;
}
