// The coverage of the next days as a map: a row for each area, two hours a column. Its colour and its sign tell the
// worst of what is wanting: the level farthest up, for which nothing stands in, and worse than that all of them.
import { COLUMN_MS, columnsOf, daysOf, quartersOf, runsOf } from "./heat_cells.js";
import { language, t, word } from "./i18n.js";
import { html } from "./markup.js";
import { zoned } from "./zoned.js";

/** @typedef {import("console-api").Coverage} Coverage */
/** @typedef {import("./heat_cells.js").Run} Run */

const ALL = "×";
const SHADES = ["heat-a", "heat-b", "heat-c", "heat-d"]; // a policy with more levels draws the farther ones alike; their signs still differ

/** @param {string} id */
export const levelName = (id) => word("level", id);

/** Colour and sign. @param {number[]} wanting @param {number} levels how many there are */
function look(wanting, levels) {
  const worst = wanting.at(-1);
  if (worst === undefined) return { shade: "", sign: "" };
  if (wanting.length === levels && levels > 1) return { shade: "heat-all", sign: ALL };
  return { shade: SHADES[Math.min(worst, SHADES.length - 1)] ?? "", sign: String(worst + 1) };
}

/** @param {{ coverage: Coverage }} props */
export function Legend({ coverage }) {
  const { levels } = coverage;
  const each = levels.map(({ id }, n) => ({ ...look([n], levels.length + 1), said: levelName(id) }));
  const all = { shade: "heat-all", sign: ALL, said: t("coverage.nobody") };
  return html`<p id="heat-legend">${t("coverage.legend")}</p>
    <ul class="heat-legend" aria-labelledby="heat-legend">
      ${(levels.length > 1 ? [...each, all] : each).map(({ shade, sign, said }) =>
        html`<li><span class=${`heat-sample ${shade}`}>${sign}</span> ${said}</li>`)}
      <li><span class="heat-sample" aria-hidden="true"></span> ${t("coverage.covered")}</li>
    </ul>`;
}

/** @param {Coverage} coverage @param {number[]} columns @param {Run} run */
function cell(coverage, columns, { first, past, wanting }) {
  const { shade, sign } = look(wanting, coverage.levels.length);
  if (!sign) return html`<td colspan=${past - first}></td>`;
  const names = new Intl.ListFormat(language.value).format(wanting.map((n) => levelName(coverage.levels[n]?.id ?? "")));
  const starts = zoned(columns[first] ?? 0, coverage.time_zone);
  const ends = zoned((columns[past - 1] ?? 0) + COLUMN_MS, coverage.time_zone);
  const said = t("coverage.cell", { levels: names, from: starts.slice(11), until: ends.slice(11) });
  return html`<td class=${shade} colspan=${past - first} title=${said}>
    <span aria-hidden="true">${sign}</span><span class="visually-hidden">${said}</span>
  </td>`;
}

/** @param {{ coverage: Coverage, areas: Coverage["areas"] }} props */
export function HeatMap({ coverage, areas }) {
  const columns = columnsOf(coverage);
  const zone = coverage.time_zone;
  return html`<div class="report-scroller" tabindex="0" role="region" aria-label=${t("coverage.map")}>
    <table class="heat-map">
      <caption class="visually-hidden">${t("coverage.map_caption")}</caption>
      <colgroup><col class="heat-names" /></colgroup><colgroup span=${columns.length}></colgroup>
      <thead>
        <tr><th scope="col" rowspan="2">${t("coverage.area")}</th>
          ${daysOf(columns, zone).map(({ name, count }) => html`<th scope="colgroup" colspan=${count}>${name}</th>`)}</tr>
        <tr>${quartersOf(columns, zone).map(({ first, count }) =>
          html`<td class="heat-hour" colspan=${count}>${count > 1 && zoned(columns[first] ?? 0, zone).slice(11, 13)}</td>`)}</tr>
      </thead>
      <tbody>${areas.map((area) => html`<tr key=${area.id}>
        <th scope="row">${area.name}</th>
        ${runsOf(area, coverage, columns).map((run) => cell(coverage, columns, run))}
      </tr>`)}</tbody>
    </table>
  </div>`;
}
