// The statistics: choose a measure, days and a grouping; a chart, its table, and the same as a file.
import { signal } from "@preact/signals";
import { h } from "preact";
import { useEffect } from "preact/hooks";
import { getMeasures, getStatistic } from "./api.js";
import { Chart } from "./chart.js";
import { now } from "./clock.js";
import { figureText, rowName, shortName } from "./figures.js";
import { language, t } from "./i18n.js";
import { html } from "./markup.js";
import { reportPage, troubleOf } from "./report_frame.js";

/** @typedef {import("console-api").Statistic} Statistic */

const today = () => new Intl.DateTimeFormat("sv-SE").format(now.peek()); // year-month-day
const measures = signal(/** @type {import("console-api").Measure[]} */ ([]));
const chosen = signal({ measure: "calls", from: "", to: "", by: "hour" });
const shown = signal(/** @type {Statistic | null} */ (null));
const trouble = signal("");
let asking = 0;

function queryOf() {
  const { from, to, by } = chosen.value;
  return new URLSearchParams({ from, to, by });
}

async function ask() {
  const mine = asking += 1;
  const answer = await getStatistic(chosen.value.measure, queryOf());
  if (mine !== asking) return;
  trouble.value = answer.ok ? "" : troubleOf(answer);
  shown.value = answer.ok ? answer.body : null;
}

async function begin() {
  const answer = await getMeasures();
  if (!answer.ok) {
    trouble.value = troubleOf(answer);
    return;
  }
  measures.value = answer.body.measures;
  chosen.value = { ...chosen.value, from: today(), to: today() };
  await ask();
}

/** @param {Event} event */
function choose(event) {
  const { name, value } = /** @type {HTMLInputElement | HTMLSelectElement} */ (event.target);
  const next = { ...chosen.value, [name]: value };
  const offered = measures.value.find((one) => one.id === next.measure)?.groupings ?? [];
  if (!offered.some((one) => one === next.by)) next.by = "hour";
  chosen.value = next;
  ask();
}

function Choices() {
  const { measure, from, to, by } = chosen.value;
  const groupings = measures.value.find((one) => one.id === measure)?.groupings ?? [];
  return html`<form class="report-form" onChange=${choose} onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
    <label>${t("statistics.measure")}<select name="measure" value=${measure}>
      ${measures.value.map((one) => html`<option value=${one.id}>${one.title[language.value]}</option>`)}
    </select></label>
    <label>${t("report.first_day")}<input name="from" type="date" required value=${from} /></label>
    <label>${t("report.last_day")}<input name="to" type="date" required value=${to} /></label>
    <label>${t("statistics.by")}<select name="by" value=${by}>
      ${groupings.map((one) => html`<option value=${one}>${t(`grouping.${one}`)}</option>`)}
    </select></label>
    <a href=${`/api/v1/statistics/${measure}?${queryOf()}&format=csv`} download>${t("statistics.csv")}</a>
  </form>`;
}

/** @param {{ statistic: Statistic }} props */
function Picture({ statistic }) {
  const { measure, by, rows } = statistic;
  const figure = measure.figures.find((one) => one.id === measure.drawn);
  if (!figure) return null;
  const bars = rows.map((row) => ({ label: shortName(statistic, row), value: row.figures[figure.id] ?? null }));
  const title = t("statistics.chart", {
    measure: measure.title[language.value], figure: figure.title[language.value], grouping: t(`grouping.${by}`),
  });
  const top = figure.unit === "share" ? 1 : undefined;
  return h(Chart, { title, bars, target: figure.target, top, said: (value) => figureText(value, figure.unit) });
}

/** @param {{ statistic: Statistic }} props */
function Table({ statistic }) {
  const { measure, by, rows, total } = statistic;
  const figures = measure.figures;
  /** @param {Record<string, number | null>} values */
  const cells = (values) => figures.map((one) => html`<td class="figure">${figureText(values[one.id] ?? null, one.unit)}</td>`);
  return html`<div class="report-scroller"><table class="report-table">
    <caption class="visually-hidden">${measure.title[language.value]}</caption>
    <thead><tr><th scope="col">${t(`grouping.${by}`)}</th>
      ${figures.map((one) => html`<th scope="col" class="figure">${one.title[language.value]}
        ${one.target !== null && html`<small>${t("statistics.target", { target: figureText(one.target, one.unit) })}</small>`}
      </th>`)}</tr></thead>
    <tbody>${rows.map((row) => html`<tr><th scope="row">${rowName(statistic, row)}</th>${cells(row.figures)}</tr>`)}</tbody>
    <tfoot><tr><th scope="row">${t("statistics.total")}</th>${cells(total)}</tr></tfoot>
  </table></div>`;
}

function Body() {
  useEffect(() => {
    begin();
  }, []);
  const statistic = shown.value;
  return html`<${Choices} />
    <p role="alert" class="form-trouble">${trouble.value}</p>
    ${statistic && html`<section aria-label=${statistic.measure.title[language.value]}>
      <${Picture} statistic=${statistic} /><${Table} statistic=${statistic} />
      <p><small>${t("statistics.note", { zone: statistic.time_zone })}</small></p>
    </section>`}`;
}

export const StatisticsPage = reportPage("/statistics", "statistics.title", Body);
