// The form of a record: a row for each fact, with what is wrong with it, since when it is known, and "still true".
import { h } from "preact";
import { t } from "./i18n.js";
import { html } from "./markup.js";
import { Contacts } from "./register_contacts.js";
import { areas, busy, confirm, discard, draft, faults, isDirty, isTyped, record, save, type } from "./register_book.js";
import { FIELDS, NEEDS } from "./register_fields.js";
import { may } from "./session.js";
import { FaultOf, fieldId, marksOf } from "./register_marks.js";
import { dayText, valueText } from "./register_words.js";

/** @typedef {import("./register_fields.js").Field} Field */
/** @typedef {{ field: Field, id: string, marks: Record<string, unknown> }} Shown */

const NEW_ID = "record-new-id";

/** @param {string} name */
const typed = (name) => (/** @type {Event} */ event) => {
  type(name, /** @type {HTMLInputElement} */ (event.target).value);
};

/** @param {Shown} props */
function Line({ field, id, marks }) {
  return html`<input id=${id} ...${marks} type=${field.kind === "secret" ? "password" : "text"} maxlength=${field.most}
    required=${field.required} autocomplete=${field.kind === "secret" ? "new-password" : "off"}
    value=${draft.value[field.name]} onInput=${typed(field.name)} />`;
}

/** @param {Shown} props */
function Long({ field, id, marks }) {
  return html`<textarea id=${id} ...${marks} rows="2" maxlength=${field.most} value=${draft.value[field.name]}
    onInput=${typed(field.name)}></textarea>`;
}

/** Text that is no number goes to the centre as it is: there it is said what is wrong with it.
 * @param {Shown} props */
function Number_({ field, id, marks }) {
  const take = (/** @type {Event} */ event) => {
    const text = /** @type {HTMLInputElement} */ (event.target).value.trim();
    type(field.name, text === "" ? null : Number.isFinite(Number(text)) ? Number(text) : text);
  };
  return html`<input id=${id} ...${marks} inputmode="decimal" autocomplete="off" value=${draft.value[field.name] ?? ""}
    onChange=${take} />`;
}

/** @param {Shown} props */
function Choice({ field, id, marks }) {
  return html`<select id=${id} ...${marks} value=${draft.value[field.name]} onChange=${typed(field.name)}>
    ${field.options?.map((one) => html`<option key=${one} value=${one}>${valueText(field.name, one)}</option>`)}
  </select>`;
}

/** @param {Shown} props */
function AreaChoice({ field, id, marks }) {
  const known = areas.value.some((one) => one.id === draft.value[field.name]);
  return html`<select id=${id} ...${marks} value=${draft.value[field.name]} onChange=${typed(field.name)}>
    ${(!field.required || !known) && html`<option value="">${t(field.required ? "form.choose" : "register.nothing")}</option>`}
    ${areas.value.map((one) => html`<option key=${one.id} value=${one.id}>${one.name} (${one.id})</option>`)}
  </select>`;
}

/** @param {Shown} props */
function Check({ field, id, marks }) {
  return html`<input id=${id} ...${marks} type="checkbox" checked=${draft.value[field.name]}
    onChange=${(/** @type {Event} */ event) => type(field.name, /** @type {HTMLInputElement} */ (event.target).checked)} />`;
}

/** @param {Shown} props */
function Day({ field, id, marks }) {
  return html`<input id=${id} ...${marks} type="date" value=${draft.value[field.name]} onChange=${typed(field.name)} />`;
}

/** @type {Record<import("./register_fields.js").FieldKind, import("preact").FunctionComponent<Shown>>} */
const KINDS = {
  line: Line, secret: Line, long: Long, number: Number_, choice: Choice, area: AreaChoice, check: Check, day: Day,
  contacts: Contacts,
};

/** Whoever asks again asks how somebody is, not whether they have left. */
const NEVER_ASKED = ["left_on", "left_why"];

/** How old a fact is, and the word of whoever has asked again. @param {{ name: string, changes: boolean }} props */
function Age({ name, changes }) {
  const known = record.value?.known;
  if (!known || !(name in known) || NEVER_ASKED.includes(name)) return null;
  const at = known[name];
  return html`<span class="fact-age">
    <span>${at ? t("register.since", { when: dayText(at) }) : t("register.since_unknown")}</span>
    ${record.value?.due?.includes(name) && html`<strong class="fact-due">${t("register.due")}</strong>`}
    ${changes && !isTyped(name) && html`<button type="button" aria-disabled=${busy.value}
      aria-label=${t("register.still_true_named", { fact: t(`fact.${name}`) })}
      onClick=${() => confirm(name)}>${t("register.still_true")}</button>`}
  </span>`;
}

/** @param {{ field: Field, changes: boolean }} props */
function Row({ field, changes }) {
  const id = fieldId(field.name);
  const label = t(`fact.${field.name}`);
  const shown = { field, id, marks: marksOf(field.name) };
  if (!changes) {
    return html`<div class="fact-row"><span class="fact-name">${label}</span>
      <span class="fact-value">${valueText(field.name, draft.value[field.name])}</span>${h(Age, { name: field.name, changes })}</div>`;
  }
  return html`<div class="fact-row">
    ${field.kind === "contacts" ? html`<span class="fact-name">${label}</span>` : html`<label class="fact-name" for=${id}>${label}</label>`}
    <span class="fact-value">${h(KINDS[field.kind], shown)}${h(FaultOf, { name: field.name })}</span>
    ${h(Age, { name: field.name, changes })}
  </div>`;
}

function NewId() {
  return html`<div class="fact-row"><label class="fact-name" for=${NEW_ID}>${t("register.id")}</label>
    <span class="fact-value"><input id=${NEW_ID} maxlength="36" autocomplete="off" aria-describedby=${`${NEW_ID}-hint`}
      ...${faults.value.id ? { "aria-invalid": "true" } : {}} />
      <small id=${`${NEW_ID}-hint`}>${t(faults.value.id ?? "register.id_given")}</small></span></div>`;
}

/** @param {Event} event */
function submit(event) {
  event.preventDefault();
  const given = /** @type {HTMLInputElement | null} */ (document.getElementById(NEW_ID));
  save(given?.value.trim() ?? "");
}

export function RecordForm() {
  const one = record.value;
  if (!one) return null;
  const changes = may(NEEDS[one.register].changes);
  const fields = FIELDS[one.register].filter(({ kind }) => changes || kind !== "secret");
  return html`<form class="record-form" noValidate onSubmit=${submit} aria-label=${t("register.facts")}>
    ${!changes && html`<p>${t("register.read_only")}</p>`}
    ${one.housemates && one.housemates.length > 0 && html`<p>${
      t("register.housemates", { names: one.housemates.map(({ name }) => name).join(", ") })}</p>`}
    ${one.version === null && h(NewId, {})}
    ${fields.map((field) => h(Row, { key: field.name, field, changes }))}
    ${one.register === "residents" && html`<p class="record-says">${t("register.leaving_says")}</p>`}
    ${changes && html`<div class="form-buttons">
      <button class="primary" aria-disabled=${busy.value}>${t("register.save")}</button>
      ${isDirty() && html`<button type="button" onClick=${discard}>${t("register.discard")}</button>`}
    </div>`}
  </form>`;
}
