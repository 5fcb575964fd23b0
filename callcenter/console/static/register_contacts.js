// The contacts of a resident, in the order in which they are called.
import { h } from "preact";
import { t } from "./i18n.js";
import { html } from "./markup.js";
import { draft, type } from "./register_book.js";
import { FaultOf, fieldId, marksOf } from "./register_marks.js";

/** @typedef {{ name: string, relation: string, phone: string, keyholder: boolean }} Contact */

const MOST = 9;
/** @type {["name" | "relation" | "phone", number][]} */
const LINES = [["name", 100], ["relation", 50], ["phone", 25]];

/** @returns {Contact[]} */
const listed = () => draft.value.contacts ?? [];

/** @param {number} at @param {Partial<Contact>} said */
const put = (at, said) => type("contacts", listed().map((one, n) => (n === at ? { ...one, ...said } : one)));

/** @param {number} at */
function earlier(at) {
  const order = [...listed()];
  order.splice(at - 1, 0, ...order.splice(at, 1));
  type("contacts", order);
}

/** @param {{ one: Contact, at: number }} props */
function One({ one, at }) {
  const name = one.name || t("register.contact", { n: at + 1 });
  return html`<li><div role="group" aria-label=${t("register.contact", { n: at + 1 })}>
    ${LINES.map(([field, most]) => {
      const path = `contacts.${at}.${field}`;
      return html`<label key=${field}>${t(`fact.${field}`)}<input id=${fieldId(path)} ...${marksOf(path)} maxlength=${most}
        autocomplete="off" value=${one[field]}
        onInput=${(/** @type {Event} */ event) => put(at, { [field]: /** @type {HTMLInputElement} */ (event.target).value })} />
        ${h(FaultOf, { name: path })}</label>`;
    })}
    <label class="contact-key"><input type="checkbox" checked=${one.keyholder}
      onChange=${(/** @type {Event} */ event) => put(at, { keyholder: /** @type {HTMLInputElement} */ (event.target).checked })} />
      ${t("fact.keyholder")}</label>
    ${at > 0 && html`<button type="button" aria-label=${t("register.contact_up", { name })} onClick=${() => earlier(at)}>${t("register.up")}</button>`}
    <button type="button" aria-label=${t("register.contact_remove", { name })}
      onClick=${() => type("contacts", listed().filter((_, n) => n !== at))}>${t("register.remove")}</button>
  </div></li>`;
}

export function Contacts() {
  const add = () => type("contacts", [...listed(), { name: "", relation: "", phone: "", keyholder: false }]);
  return html`<ol class="record-contacts">${listed().map((one, at) => h(One, { key: at, one, at }))}</ol>
    ${listed().length < MOST && html`<button type="button" onClick=${add}>${t("register.contact_add")}</button>`}`;
}
