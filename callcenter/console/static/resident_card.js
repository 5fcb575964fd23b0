// The resident card: where to go, how to get in, what to know, whom to call. Each fact says how old it is
// where that matters.
import { h } from "preact";
import { act, pending } from "./commands.js";
import { now } from "./clock.js";
import { clockTime, plural, roughly, t, word } from "./i18n.js";
import { Icon } from "./icons.js";
import { looking } from "./looking.js";
import { html } from "./markup.js";
import { passive } from "./one_console.js";

/** @typedef {import("console-api").Alert} Alert */
/** @typedef {import("console-api").AlertDetail} AlertDetail */
/** @typedef {import("console-api").Resident} Resident */
/** @typedef {import("preact").ComponentChildren} Children */

const OLD_MS = 10 * 60_000;
const LOW_BATTERY = 20;

/** Years of age; a year alone is good to one year, which the word "about" admits.
 * @param {string | null} born @param {number} at */
export function ageInYears(born, at) {
  const [year, month, day] = (born ?? "").split("-").map(Number);
  if (!year) return null;
  const today = new Date(at);
  const years = today.getFullYear() - year;
  if (!month || !day) return { years, about: true };
  const before = today.getMonth() + 1 < month || (today.getMonth() + 1 === month && today.getDate() < day);
  return { years: before ? years - 1 : years, about: false };
}

/** @param {Resident} resident */
function person(resident) {
  const age = ageInYears(resident.born, now.peek());
  return [
    resident.sex && t(`sex.${resident.sex}`),
    age && plural(age.about ? "card.about_years" : "card.years", age.years),
    resident.risk === "high" && t("card.high_risk"),
  ].filter(Boolean).join(" · ");
}

/** @param {{ name: string, children?: Children, tone?: string }} props */
function Fact({ name, children, tone = "" }) {
  return html`<div class=${`fact ${tone}`}><dt>${t(`card.${name}`)}</dt><dd>${children || html`<span class="nothing">${t("card.nothing")}</span>`}</dd></div>`;
}

/** @param {{ detail: AlertDetail, alert: Alert }} props */
function Contacts({ detail, alert }) {
  const allowed = !passive.value && detail.actions.includes("call_contact");
  const why = passive.value ? "why_not.elsewhere" : "why_not.claim_first";
  const busy = Boolean(pending.value[alert.id]);
  return html`<ul class="contacts">
    ${detail.contacts.map((one) => html`<li key=${one.id}>
      <span class="contact-name">${one.name} <small>${one.relation}</small></span>
      ${one.keyholder && html`<span class="keyholder">${h(Icon, { name: "key" })}${t("card.keyholder")}</span>`}
      <span class="phone">${one.phone}</span>
      ${one.phone_refused && html`<span class="low">${t("card.phone_refused")}</span>`}
      ${!looking.value && html`<button type="button" aria-disabled=${!allowed || busy} title=${allowed ? undefined : t(why)}
        aria-label=${t("card.call_named", { name: one.name })}
        onClick=${() => allowed && !busy && act(alert.id, "call_contact", { contact: one.id })}>${t("card.call")}</button>`}
    </li>`)}
  </ul>`;
}

/** @param {{ detail: AlertDetail }} props */
function Devices({ detail }) {
  return html`<ul class="devices">
    ${detail.devices.map((one) => html`<li key=${one.id}>
      <span>${t(`family.${one.family}`)} <small>${one.model} ${one.id}</small></span>
      <span class=${one.battery !== null && one.battery < LOW_BATTERY ? "low" : ""}>
        ${one.battery === null ? t("card.battery_unknown") : t("card.battery", { percent: one.battery })}</span>
      <span>${one.online === null ? t("card.never_online") : t(one.online ? "card.online" : "card.offline")}</span>
      <span>${one.seen_at ? t("card.seen", { when: clockTime(one.seen_at, now.value) }) : t("card.never_seen")}</span>
    </li>`)}
  </ul>`;
}

/** @param {{ position: import("console-api").Position | null, withheld: boolean }} props */
function Position({ position, withheld }) {
  if (!position) return html`<span class="nothing">${t(withheld ? "card.position_withheld" : "card.no_position")}</span>`;
  const age = now.value - Date.parse(position.at);
  const old = age > OLD_MS;
  return html`<span class=${old ? "position position-old" : "position"}>
    ${h(Icon, { name: old ? "pin_hollow" : "pin" })}
    <span class="figures">${position.lat.toFixed(5)}, ${position.lon.toFixed(5)}</span>
    <span>${position.acc === null ? t("card.accuracy_unknown") : t("card.accuracy", { metres: Math.round(position.acc) })}</span>
    <span>${word("fix", position.fix)}</span>
    <span>${word("datum", position.datum)}</span>
    <strong>${t(old ? "card.position_old" : "card.position_age", { age: roughly(age) })}</strong>
  </span>`;
}

/** @param {{ detail: AlertDetail, alert: Alert }} props */
export function ResidentCard({ detail, alert }) {
  const { resident, household } = detail;
  return html`<section class="card" aria-labelledby="card-heading">
    <h3 id="card-heading" class="visually-hidden">${t("view.card")}</h3>
    ${!resident && html`<p class="unidentified">${t("card.unidentified", { device: alert.device_id })}</p>`}
    ${resident?.left_on && html`<p class="unidentified">${
      t("card.left", { day: resident.left_on, why: t(`choice.left_why.${resident.left_why}`) })}</p>`}
    ${detail.unrecorded && html`<p class="unidentified">${t("card.unrecorded")}</p>`}
    <dl class="facts">
      ${resident && h(Fact, { name: "person", tone: "short" }, person(resident))}
      ${resident && h(Fact, { name: "phone", tone: "short" }, html`<span class="phone">${resident.phone}</span>
        ${resident.phone_refused && html`<span class="low">${t("card.phone_refused")}</span>`}`)}
      ${h(Fact, { name: "address", tone: "wide strong" }, household?.address || resident?.address || alert.place)}
      ${h(Fact, { name: "entry_notes", tone: "wide strong" }, household?.entry_notes)}
      ${resident && h(Fact, { name: "allergies", tone: resident.allergies ? "wide warned" : "wide" }, resident.allergies)}
      ${resident && h(Fact, { name: "conditions" }, resident.conditions)}
      ${resident && h(Fact, { name: "medicines" }, resident.medicines)}
      ${h(Fact, { name: "contacts", tone: "wide" }, detail.contacts.length > 0 && h(Contacts, { detail, alert }))}
      ${h(Fact, { name: "position", tone: "wide" }, h(Position, { position: detail.position, withheld: detail.position_withheld }))}
      ${h(Fact, { name: "devices", tone: "wide" }, detail.devices.length > 0 && h(Devices, { detail }))}
    </dl>
  </section>`;
}
