// The way out of a shift, in the place of the open alert: each alert of this operator, who is asked to take it over, and
// what is left. No dialog, so that list and announcements stay in reach: whoever leaves is on duty until they have left.
import { signal } from "@preact/signals";
import { h } from "preact";
import { useEffect } from "preact/hooks";
import { ownedBy, revision } from "./alert_book.js";
import { Age, KindWord } from "./alert_row.js";
import { act, pending } from "./commands.js";
import { openAlert } from "./detail.js";
import { grantFocus, wishFocus } from "./focus.js";
import { t } from "./i18n.js";
import { answers, leave, reason, stay } from "./leaving.js";
import { html } from "./markup.js";
import { passive } from "./one_console.js";
import { canBeAsked, operators, operatorText, refreshOperators } from "./operators.js";
import { sentence } from "./sentences.js";
import { session } from "./session.js";

/** @typedef {import("console-api").Alert} Alert */

const LOOK_AGAIN_MS = 5_000;

/** Whom the next alert is for, until another one is chosen for it. */
const lastChosen = signal("");
const chosen = signal(/** @type {Record<string, string>} */ ({}));
/** The field in which something is missing. */
const missing = signal("");

const nameOf = (/** @type {Alert} */ alert) => alert.resident_name || t("mark.unidentified");

/** @param {string} field */
function ask(field) {
  missing.value = field;
  document.getElementById(field)?.focus();
}

/** @param {{ field: string, says: string }} props */
function Missing({ field, says }) {
  return html`<p role="alert" class="form-trouble">${missing.value === field && t(says)}</p>`;
}

/** @param {{ alert: Alert, busy: boolean }} props */
function Colleague({ alert, busy }) {
  const field = `leaving-to-${alert.id}`;
  const others = operators.value.filter((one) => one.id !== session.value?.operator.id && canBeAsked(one));
  const wish = chosen.value[alert.id] ?? lastChosen.value;
  const to = others.some((one) => one.id === wish) ? wish : "";
  const asked = alert.transfer;

  function send() {
    if (busy) return;
    if (asked) act(alert.id, "decline");
    else if (!to) ask(field);
    else act(alert.id, "transfer", { to });
  }

  /** @param {Event} event */
  function choose(event) {
    const { value } = /** @type {HTMLSelectElement} */ (event.target);
    chosen.value = { ...chosen.value, [alert.id]: value };
    lastChosen.value = value;
    missing.value = "";
  }

  return html`<div class="leaving-ask">
    <label for=${field} class="visually-hidden">${t("leaving.to", { name: nameOf(alert) })}</label>
    <select id=${field} value=${asked?.to.id ?? to} disabled=${Boolean(asked)} onChange=${choose}>
      <option value="">${t(others.length > 0 ? "leaving.choose" : "leaving.nobody")}</option>
      ${asked && !others.some((one) => one.id === asked.to.id) && html`<option value=${asked.to.id}>${asked.to.name}</option>`}
      ${others.map((one) => html`<option key=${one.id} value=${one.id}>${operatorText(one)}</option>`)}
    </select>
    <button type="button" class=${asked ? "" : "primary"} aria-disabled=${busy} aria-describedby=${`leaving-${alert.id}`} onClick=${send}>
      ${t(asked ? "transfer.keep" : "leaving.ask")}
    </button>
    ${h(Missing, { field, says: "leaving.to_whom" })}
  </div>`;
}

/** @param {Alert} alert how it stands with handing it over */
function standing(alert) {
  if (alert.state === "resolved") return t("leaving.follow_up");
  if (alert.transfer) return t("leaving.asked", { name: alert.transfer.to.name });
  const answer = answers.value[alert.id];
  return answer ? sentence(answer, []) : "";
}

/** @param {Alert} alert */
function look(alert) {
  openAlert(alert.id);
  wishFocus("alert-view");
}

/** @param {{ alert: Alert }} props */
function Line({ alert }) {
  const busy = passive.value || Boolean(pending.value[alert.id]);
  const close = () => busy || act(alert.id, "close");
  return html`<li class="leaving-line" data-leaving=${alert.id}>
    <div class="leaving-what">
      ${h(KindWord, { alert })}
      <strong id=${`leaving-${alert.id}`}>${nameOf(alert)}</strong>
      <span class="leaving-place">${alert.place || t("place.unknown", { device: alert.device_id })}</span>
      <span>${t(`state.${alert.state}`)}</span>
      ${h(Age, { alert })}
    </div>
    <div class="leaving-do">
      ${alert.state === "resolved"
        ? html`<button type="button" aria-disabled=${busy} aria-describedby=${`leaving-${alert.id}`} onClick=${close}>${t("action.close")}</button>`
        : h(Colleague, { alert, busy })}
      <button type="button" aria-describedby=${`leaving-${alert.id}`} onClick=${() => look(alert)}>${t("transfer.look")}</button>
    </div>
    <p role="status" class="leaving-standing">${standing(alert)}</p>
  </li>`;
}

/** Who has said yes, by name. @param {{ own: Alert[] }} props */
function Taken({ own }) {
  const taken = Object.values(answers.value).filter((one) => !own.some((alert) => alert.id === one.alert_id));
  return html`<div role="status" id="leaving-taken">
    ${taken.length > 0 && html`<ul class="leaving-taken">
      ${taken.map((one) => html`<li key=${one.n}>${one.alert && t("notice.told", { name: nameOf(one.alert), what: sentence(one, []) })}</li>`)}
    </ul>`}
  </div>`;
}

/** @param {Event} event */
function leaveThem(event) {
  event.preventDefault();
  const why = reason.value.trim();
  if (why) leave(why);
  else ask("leaving-reason");
}

/** @param {{ left: number }} props how many nobody has taken over */
function WayOut({ left }) {
  const cancel = html`<button type="button" onClick=${() => (stay(), wishFocus("alert-list"))}>${t("leaving.stay")}</button>`;
  if (left === 0) {
    return html`<div class="form-buttons">
      <button type="button" id="leave-now" class="primary" onClick=${() => leave()}>${t("sign_out.button")}</button>${cancel}
    </div>`;
  }
  return html`<form class="leaving-form" noValidate onSubmit=${leaveThem}>
    <div class="field">
      <label for="leaving-reason">${t("leaving.reason")}<span class="required"> ${t("form.required")}</span></label>
      <textarea id="leaving-reason" rows="2" maxlength="2000" required value=${reason.value} aria-describedby="leaving-rings"
        onInput=${(/** @type {Event} */ event) => (reason.value = /** @type {HTMLTextAreaElement} */ (event.target).value)}></textarea>
      ${h(Missing, { field: "leaving-reason", says: "form.missing" })}
    </div>
    <p id="leaving-rings">${t("leaving.rings")}</p>
    <div class="form-buttons"><button type="submit">${t("leaving.all_the_same")}</button>${cancel}</div>
  </form>`;
}

/** The line that the keyboard stood on may have gone. */
function keepFocus() {
  if (document.activeElement === document.body) document.getElementById("leaving-heading")?.focus();
}

export function LeavingPanel() {
  revision.value;
  useEffect(() => {
    refreshOperators();
    const timer = setInterval(refreshOperators, LOOK_AGAIN_MS);
    return () => clearInterval(timer);
  }, []);
  useEffect(grantFocus);
  const own = ownedBy(session.value?.operator.id ?? "");
  const left = own.filter((alert) => alert.state !== "resolved").length;
  useEffect(keepFocus, [own.length, left]);
  return html`<section class="leaving" id="leaving" aria-labelledby="leaving-heading">
    <h2 id="leaving-heading" tabindex="-1">${t("leaving.heading")}</h2>
    <p role="status">${t(left > 0 ? "leaving.says" : "leaving.free")}</p>
    ${passive.value && html`<p class="form-trouble">${t("why_not.elsewhere")}</p>`}
    <ul class="leaving-lines">${own.map((alert) => h(Line, { key: alert.id, alert }))}</ul>
    ${h(Taken, { own })}
    ${h(WayOut, { left })}
  </section>`;
}
