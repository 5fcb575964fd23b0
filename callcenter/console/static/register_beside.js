// What stands beside the facts of a record: the devices of a resident, what they have agreed to, and the history.
import { h } from "preact";
import { now } from "./clock.js";
import { clockTime, t } from "./i18n.js";
import { html } from "./markup.js";
import { busy, consent, hand, meanwhile, record } from "./register_book.js";
import { dayText, factText, momentText, valueText } from "./register_words.js";
import { may } from "./session.js";

/** @typedef {import("console-api").RegisterChange} RegisterChange */
/** @typedef {import("console-api").Consent} Consent */

/** Today, as this computer counts days. */
const today = () => dayText(new Date(now.peek()).toISOString());

/** @param {SubmitEvent} event */
function handOut(event) {
  event.preventDefault();
  const form = /** @type {HTMLFormElement} */ (event.currentTarget);
  const device = String(new FormData(form).get("device") ?? "").trim();
  if (device) hand(device, record.value?.id ?? "").then(() => form.reset());
}

export function Devices() {
  const one = record.value;
  if (!one?.devices) return null;
  const changes = may("change_people");
  return html`<section aria-labelledby="record-devices"><h3 id="record-devices">${t("register.devices")}</h3>
    ${!one.devices.length && html`<p class="report-empty">${t("register.no_devices")}</p>`}
    <ul class="record-devices">${one.devices.map((device) => html`<li key=${device.id}>
      <span>${t(`family.${device.family}`)} ${device.id}</span>
      <span>${device.seen_at ? t("register.last_heard", { when: clockTime(device.seen_at, now.peek()) }) : t("card.never_seen")}</span>
      ${changes && device.resident_id === one.id && html`<button type="button" aria-disabled=${busy.value}
        aria-label=${t("register.take_back_named", { device: device.id })} onClick=${() => hand(device.id, "")}>${t("register.take_back")}</button>`}
    </li>`)}</ul>
    ${changes && html`<form class="report-form" onSubmit=${handOut}>
      <label>${t("register.hand_out_id")}<input name="device" maxlength="36" autocomplete="off" required /></label>
      <button>${t("register.hand_out")}</button>
    </form>`}
  </section>`;
}

/** @param {SubmitEvent} event @param {Consent} one @param {boolean} given */
function agree(event, one, given) {
  event.preventDefault();
  const fields = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
  consent(one.purpose, { given, day: String(fields.get("day")), by: String(fields.get("by")).trim() });
}

/** @param {{ one: Consent }} props */
function Agreed({ one }) {
  const holds = one.holds;
  const stands = one.given_on === null && one.withdrawn_on === null ? t("consent.never") : valueText("consent", one);
  return html`<li data-purpose=${one.purpose}>
    <p><strong>${t(`consent_purpose.${one.purpose}`)}</strong> ${stands}</p>
    <p class="record-says">${t(`consent_says.${one.purpose}`)}</p>
    ${may("change_people") && html`<form class="report-form" key=${String(holds)}
      onSubmit=${(/** @type {SubmitEvent} */ event) => agree(event, one, !holds)}>
      <label>${t("consent.day")}<input name="day" type="date" required defaultValue=${today()} max=${today()} /></label>
      <label>${t("consent.by")}<input name="by" maxlength="100" required autocomplete="off" /></label>
      <button aria-disabled=${busy.value}>${t(!holds ? "consent.give" : one.given_on ? "consent.withdraw" : "consent.refuse")}</button>
    </form>`}
  </li>`;
}

export function Consents() {
  const one = record.value;
  if (!one?.consents) return null;
  return html`<section aria-labelledby="record-consents"><h3 id="record-consents">${t("consent.heading")}</h3>
    <ul class="record-consents">${one.consents.map((said) => h(Agreed, { key: said.purpose, one: said }))}</ul></section>`;
}

/** @param {{ one: RegisterChange }} props */
function Change({ one }) {
  const by = one.by === "import" ? t("register.import") : one.by;
  const what = one.how === "changed"
    ? t("register.from_to", { before: valueText(one.fact, one.before), after: valueText(one.fact, one.after) })
    : t(`register_how.${one.how}`);
  return html`<li><strong>${one.fact ? factText(one.fact) : ""}</strong> ${what}
    <small>${t("register.by", { by, when: momentText(one.at) })}</small></li>`;
}

/** @param {{ changes: RegisterChange[] }} props */
const Changes = ({ changes }) => html`<ul class="record-history">
  ${changes.map((one) => h(Change, { key: `${one.n} ${one.fact}`, one }))}</ul>`;

export function Meanwhile() {
  return meanwhile.value.length ? h(Changes, { changes: meanwhile.value }) : null;
}

export function History() {
  const one = record.value;
  if (!one || one.version === null) return null;
  return html`<section aria-labelledby="record-history"><h3 id="record-history">${t("register.history")}</h3>
    ${one.history.length ? h(Changes, { changes: one.history }) : html`<p class="report-empty">${t("register.no_history")}</p>`}
  </section>`;
}
