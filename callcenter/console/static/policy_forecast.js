// What a policy would have done with the alerts of the last weeks: what gets worse, as a table. A forecast, no proof.
import { language, plural, t, word } from "./i18n.js";
import { html } from "./markup.js";

/** @typedef {import("console-api").PolicyForecast} PolicyForecast */
/** @typedef {import("console-api").PolicyForecastAlert} PolicyForecastAlert */
/** @typedef {import("console-api").PolicyCourse} PolicyCourse */

/** @param {PolicyCourse} course */
const courseText = ({ people, level }) =>
  people ? t("policy.course", { people, level: word("level", level) }) : t("policy.course_nobody");

/** @type {[string, (one: PolicyForecastAlert) => unknown][]} */
const COLUMNS = [
  ["policy.col_alert", (one) => html`<time datetime=${one.opened_at}>${one.opened_at.slice(0, 16).replace("T", " ")}</time>`],
  ["policy.col_kind", (one) => word("kind", one.kind)],
  ["policy.col_area", (one) => one.area],
  ["policy.col_worse", (one) => new Intl.ListFormat(language.value).format(one.worse.map((what) => t(`policy_worse.${what}`)))],
  ["policy.col_later", (one) => t("policy.seconds", { n: Math.max(0, Math.round(one.later_s)) })],
  ["policy.col_present", (one) => courseText(one.present)],
  ["policy.col_planned", (one) => courseText(one.planned)],
];

/** @param {{ forecast: PolicyForecast }} props */
export function Forecast({ forecast }) {
  const { alerts, changed, worse, nobody, listed } = forecast;
  return html`<section><h3 id="forecast-heading">${t("policy.forecast")}</h3>
    <p>${plural("policy.forecast_seen", alerts)} ${t("policy.forecast_sum", { changed, worse, nobody })}</p>
    <p>${t("policy.forecast_hint")}</p>
    ${listed.length > 0 && html`<div class="report-scroller" tabindex="0" role="region" aria-labelledby="forecast-heading">
      <table class="report-table">
        <caption class="visually-hidden">${t("policy.forecast")}</caption>
        <thead><tr>${COLUMNS.map(([key]) => html`<th scope="col">${t(key)}</th>`)}</tr></thead>
        <tbody>${listed.map((one) => html`<tr key=${one.alert}>${COLUMNS.map(([, text]) => html`<td>${text(one)}</td>`)}</tr>`)}</tbody>
      </table></div>`}
  </section>`;
}
