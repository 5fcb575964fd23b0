// The register: who lives here, what they wear, who helps and where. Found on the left, one record on the right.
import { h } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { t } from "./i18n.js";
import { html } from "./markup.js";
import { begin, found, MOST, open, readAreas, record, register, said, search, trouble } from "./register_book.js";
import { Consents, Devices, History, Meanwhile } from "./register_beside.js";
import { NEEDS, REGISTERS } from "./register_fields.js";
import { RecordForm } from "./register_form.js";
import { valueText } from "./register_words.js";
import { reportPage } from "./report_frame.js";
import { may } from "./session.js";

/** @typedef {import("./register_fields.js").RegisterName} RegisterName */
/** @typedef {import("./register_book.js").Facts} Facts */

/** What is said of a record in the list, beside its number. @type {Record<RegisterName, (row: Facts) => unknown[]>} */
const SHORT = {
  residents: (row) => [row.address, row.phone, row.left_on && left(row)],
  devices: (row) => [valueText("family", row.family), row.resident_id ?? row.household_id],
  responders: (row) => [valueText("kind", row.kind), row.phone],
  areas: (row) => [row.kind && valueText("kind", row.kind)],
};

/** As what the search of past alerts knows a record. @type {Partial<Record<RegisterName, string>>} */
const PAST = { residents: "q", devices: "device" };

/** @param {Facts} facts */
const left = (facts) => t("register.left", { day: facts.left_on, why: valueText("left_why", facts.left_why) });

function Search() {
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  const look = () => {
    const fields = new FormData(/** @type {HTMLFormElement} */ (form.current));
    search(/** @type {RegisterName} */ (fields.get("register")), String(fields.get("q") ?? "").trim());
  };
  useEffect(look, []);
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    look();
  };
  return html`<form class="report-form" role="search" ref=${form} onSubmit=${submit}>
    <label>${t("register.kind")}<select name="register" onChange=${look}>
      ${REGISTERS.filter((one) => may(NEEDS[one].sees)).map((one) => html`<option value=${one}>${t(`register_kind.${one}`)}</option>`)}
    </select></label>
    <label>${t("register.search")}<input name="q" type="search" maxlength="64" autocomplete="off" /></label>
    <button class="primary">${t("register.search_now")}</button>
    ${may(NEEDS[register.value].changes) && html`<button type="button" onClick=${begin}>${t(`register.new.${register.value}`)}</button>`}
  </form>`;
}

function Found() {
  const rows = found.value;
  if (rows === null) return html`<p role="status"></p>`;
  return html`<p role="status">${rows.length === 0 ? t("register.none") : rows.length === MOST ? t("register.first", { n: MOST }) : ""}</p>
    <ul class="record-list">${rows.map((row) => html`<li key=${row.id}>
      <button type="button" aria-current=${record.value?.id === row.id ? "true" : undefined} onClick=${() => open(row.id)}>
        <strong>${row.name ?? row.id}</strong>
        <span>${[row.name && row.id, ...SHORT[register.value](row)].filter(Boolean).join(" · ")}</span>
      </button></li>`)}</ul>`;
}

/** To what happened to a resident, or to whom a device was given. @param {{ one: import("./register_book.js").Open }} props */
function ToPast({ one }) {
  const name = PAST[one.register];
  if (!name || one.version === null) return null;
  return html`<p><a href=${`/alerts?${new URLSearchParams({ [name]: one.id })}`}>${t("register.past")}</a></p>`;
}

function Shown() {
  const one = record.value;
  const heading = useRef(/** @type {HTMLHeadingElement | null} */ (null));
  useEffect(() => {
    heading.current?.focus();
  }, [one?.register, one?.id]);
  if (!one) return html`<p class="report-empty">${t("register.choose")}</p>`;
  const title = one.version === null ? t(`register.new.${one.register}`) : `${one.facts.name ?? ""} ${one.id}`.trim();
  return html`<h2 id="record-heading" tabindex="-1" ref=${heading}>${title}</h2>
    ${one.facts.left_on && html`<p class="record-left">${left(one.facts)}</p>`}
    <p role="alert" class="form-trouble">${trouble.value && t(trouble.value)}</p>
    ${h(Meanwhile, {})}
    <p role="status">${said.value && t(said.value)}</p>
    ${h(ToPast, { one })}
    ${h(RecordForm, { key: `${one.register}/${one.id}` })}
    ${h(Devices, {})}${h(Consents, {})}${h(History, {})}`;
}

function Body() {
  useEffect(() => {
    readAreas();
  }, []);
  return html`${!record.value && html`<p role="alert" class="form-trouble">${trouble.value && t(trouble.value)}</p>`}
    ${h(Search, {})}
    <div class="record-page">
      <section aria-label=${t("register.found")}>${h(Found, {})}</section>
      <section aria-live="off" class="record">${h(Shown, {})}</section>
    </div>`;
}

export const RegisterPage = reportPage("/register", "register.title", Body);
