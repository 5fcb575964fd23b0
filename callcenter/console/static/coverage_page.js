// The coverage: where and when in the next seven days too few people could be asked to go, as a map and as a list.
import { signal } from "@preact/signals";
import { h } from "preact";
import { useEffect } from "preact/hooks";
import { getAreas, getCoverage } from "./api.js";
import { HeatMap, Legend, levelName } from "./heat_map.js";
import { plural, t } from "./i18n.js";
import { html } from "./markup.js";
import { reportPage, troubleOf } from "./report_frame.js";
import { zoned } from "./zoned.js";

/** @typedef {import("console-api").Coverage} Coverage */

const ROWS = 50; // areas drawn at first, and with each press of the button

const areas = signal(/** @type {{ id: string, name: string }[]} */ ([]));
const area = signal("");
const shown = signal(/** @type {Coverage | null} */ (null));
const rows = signal(ROWS);
const checking = signal(false);
const trouble = signal("");
let asking = 0;

async function check() {
  const mine = asking += 1;
  checking.value = true;
  const answer = await getCoverage(new URLSearchParams({ area: area.value }));
  if (mine !== asking) return;
  checking.value = false;
  trouble.value = answer.ok ? "" : troubleOf(answer);
  shown.value = answer.ok ? answer.body : null;
}

async function begin() {
  check();
  const answer = await getAreas();
  if (answer.ok) areas.value = answer.body.areas;
}

/** @param {Event} event */
function choose(event) {
  area.value = /** @type {HTMLSelectElement} */ (event.target).value;
  rows.value = ROWS;
  check();
}

/** @param {Event} event */
function submit(event) {
  event.preventDefault();
  check();
}

function Choices() {
  return html`<form class="report-form" onSubmit=${submit}>
    <label>${t("coverage.area")}<select name="area" value=${area.value} onChange=${choose}>
      <option value="">${t("coverage.everywhere")}</option>
      ${areas.value.map(({ id, name }) => html`<option value=${id}>${name}</option>`)}
    </select></label>
    <button class="primary">${t("coverage.check_now")}</button>
  </form>`;
}

/** What was found, in a sentence that is read out when it changes. */
function Said() {
  const coverage = shown.value;
  if (checking.value || !coverage) return html`<p role="status">${checking.value ? t("coverage.checking") : ""}</p>`;
  const at = zoned(Date.parse(coverage.from), coverage.time_zone).slice(11);
  const good = coverage.areas.filter(({ gaps }) => !Object.keys(gaps).length).length;
  return html`<p role="status">${t("coverage.checked", { at, zone: coverage.time_zone })}
    ${" "}${plural("coverage.holes", coverage.total)} ${plural("coverage.good", good)}</p>`;
}

/** @param {{ coverage: Coverage }} props */
function Map({ coverage }) {
  const open = coverage.areas.filter(({ gaps }) => Object.keys(gaps).length);
  const hidden = open.length - rows.value;
  return html`<section>
    <h2>${t("coverage.map")}</h2>
    <${Legend} coverage=${coverage} />
    ${h(HeatMap, { coverage, areas: open.slice(0, rows.value) })}
    ${hidden > 0 && html`<p><button type="button" onClick=${() => { rows.value += ROWS; }}>${plural("coverage.more", hidden)}</button></p>`}
  </section>`;
}

/** @type {[string, (hole: Coverage["holes"][number], zone: string) => unknown][]} */
const COLUMNS = [
  ["coverage.area", (hole) => hole.name],
  ["coverage.level", (hole) => levelName(hole.level)],
  ["coverage.from", (hole, zone) => html`<time datetime=${hole.starts}>${zoned(Date.parse(hole.starts), zone)}</time>`],
  ["coverage.until", (hole, zone) => html`<time datetime=${hole.ends}>${zoned(Date.parse(hole.ends), zone)}</time>`],
  ["coverage.there", (hole) => t("coverage.of", { there: hole.there, wanted: hole.wanted })],
];

/** @param {{ coverage: Coverage }} props */
function List({ coverage }) {
  const { holes, time_zone, total } = coverage;
  return html`<section>
    <h2 id="list-heading">${t("coverage.list")}</h2>
    <div class="report-scroller" tabindex="0" role="region" aria-labelledby="list-heading"><table class="report-table">
      <caption class="visually-hidden">${t("coverage.list")}</caption>
      <thead><tr>${COLUMNS.map(([key]) => html`<th scope="col">${t(key)}</th>`)}</tr></thead>
      <tbody>${holes.map((hole) => html`<tr key=${`${hole.area} ${hole.level} ${hole.starts}`}>
        ${COLUMNS.map(([, said]) => html`<td>${said(hole, time_zone)}</td>`)}
      </tr>`)}</tbody>
    </table></div>
    ${total > holes.length && html`<p>${plural("coverage.later", total - holes.length)}</p>`}
  </section>`;
}

function Body() {
  useEffect(() => {
    begin();
  }, []);
  const coverage = shown.value;
  return html`<${Choices} />
    <p role="alert" class="form-trouble">${trouble.value}</p>
    <${Said} />
    ${coverage && coverage.total > 0 && html`<${Map} coverage=${coverage} /><${List} coverage=${coverage} />`}`;
}

export const CoveragePage = reportPage("/coverage", "coverage.title", Body);
