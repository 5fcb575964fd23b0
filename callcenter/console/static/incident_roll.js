// The roll of one incident: how far its people are accounted for, each of them by risk, and how it is closed.
import { signal } from "@preact/signals";
import { h } from "preact";
import { postIncidentClose, postSettled } from "./api.js";
import { t } from "./i18n.js";
import { html } from "./markup.js";
import { troubleOf } from "./report_frame.js";

/** @typedef {import("console-api").Incident} Incident */
/** @typedef {import("console-api").OnRoll} OnRoll */
/** @typedef {import("console-api").SettlePerson} SettlePerson */

const COUNTED = /** @type {const} */ (["well", "needs_help", "not_reached", "asking", "not_asked"]);
const SETTLED = ["well", "needs_help", "accounted"];
const trouble = signal("");

/** @param {Incident} incident @param {() => void} changed */
function settles(incident, changed) {
  /** @param {OnRoll} one @param {Event} event */
  return async (one, event) => {
    event.preventDefault();
    const said = Object.fromEntries(new FormData(/** @type {HTMLFormElement} */ (event.target)));
    const answer = await postSettled(incident.id, one.resident_id, /** @type {SettlePerson} */ (/** @type {unknown} */ (said)));
    trouble.value = answer.ok ? "" : troubleOf(answer);
    if (answer.ok) changed();
  };
}

/** @param {{ one: OnRoll }} props */
function Whose({ one }) {
  if (one.alert_id) {
    return html`<a href="/" target="_blank" rel="noopener">${t(`state.${one.alert_state ?? "waiting"}`)}</a> ${one.owner_name ?? ""}`;
  }
  return html`${one.settled_by} ${one.note}`;
}

/** @param {{ one: OnRoll, settle: (one: OnRoll, event: Event) => void }} props */
function SettleForm({ one, settle }) {
  return html`<form class="debt-form" onSubmit=${(/** @type {Event} */ event) => settle(one, event)}>
    <select name="standing" aria-label=${`${t("incident.standing")}: ${one.name}`}>
      ${SETTLED.map((word) => html`<option value=${word}>${t(`standing.${word}`)}</option>`)}
    </select>
    <input name="note" maxlength="2000" required autocomplete="off" aria-label=${`${t("incident.note")}: ${one.name}`} />
    <button>${t("incident.settle")}</button>
  </form>`;
}

/** @param {{ incident: Incident, changed: () => void }} props */
function People({ incident, changed }) {
  const settle = settles(incident, changed);
  return html`<div class="report-scroller" tabindex="0" role="region" aria-labelledby="roll-heading"><table class="report-table">
    <caption class="visually-hidden">${t("incident.people")}</caption>
    <thead><tr>${["name", "place", "standing", "whose"].map((key) => html`<th scope="col">${t(`incident.${key}`)}</th>`)}
      <th scope="col">${t("incident.settle")}</th></tr></thead>
    <tbody>${(incident.people ?? []).map((one) => html`<tr key=${one.resident_id}>
      <th scope="row">${one.name}</th><td>${one.place}</td>
      <td>${t(`standing.${one.standing}`)}</td><td>${h(Whose, { one })}</td>
      <td>${!one.accounted && !incident.closed_at && h(SettleForm, { one, settle })}</td>
    </tr>`)}</tbody>
  </table></div>`;
}

/** @param {{ incident: Incident, changed: () => void }} props */
function CloseForm({ incident, changed }) {
  const rest = incident.progress.total - incident.progress.accounted;
  /** @param {Event} event */
  async function submit(event) {
    event.preventDefault();
    const fields = new FormData(/** @type {HTMLFormElement} */ (event.target));
    const said = { note: String(fields.get("note")), reason: String(fields.get("reason") ?? "") };
    const answer = await postIncidentClose(incident.id, said);
    trouble.value = answer.ok ? "" : troubleOf(answer);
    if (answer.ok) changed();
  }
  return html`<form class="report-form" onSubmit=${submit}>
    <label>${t("incident.note")}<input name="note" maxlength="2000" required autocomplete="off" /></label>
    ${rest > 0 && html`<label>${t("incident.reason", { n: rest })}<input name="reason" maxlength="2000" required autocomplete="off" /></label>`}
    <button>${t("incident.close")}</button>
  </form>`;
}

/** @param {{ incident: Incident, changed: () => void }} props */
export function Roll({ incident, changed }) {
  const { progress } = incident;
  return html`<section>
    <h2 id="roll-heading">${t(`incident_kind.${incident.kind}`)} ${incident.area_name}</h2>
    <p>${incident.words}</p>
    <p role="status">${t("incident.progress", { accounted: progress.accounted, total: progress.total })}
      ${COUNTED.map((word) => html` <span>${t(`standing.${word}`)} ${progress[word]}</span>`)}</p>
    ${!incident.closed_at && !incident.calling && incident.ask !== "responders" && progress.not_asked > 0
      && html`<p class="banner banner-loud" role="alert">${t("incident.not_calling", { n: progress.not_asked })}</p>`}
    <progress max=${progress.total} value=${progress.accounted} aria-label=${t("incident.accounted")}></progress>
    ${incident.closed_at
      ? html`<p>${t("incident.closed_by", { name: incident.closed_by_name ?? "" })} ${incident.note} ${incident.reason}</p>`
      : h(CloseForm, { incident, changed })}
    <p role="alert" class="form-trouble">${trouble.value}</p>
    ${h(People, { incident, changed })}
  </section>`;
}
