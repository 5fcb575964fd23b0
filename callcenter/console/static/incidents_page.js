// Incidents: what concerns a whole area. A list of them, the form that raises one, and the roll of the one that is open.
import { signal } from "@preact/signals";
import { h } from "preact";
import { useEffect } from "preact/hooks";
import { getAreas, getGaps, getIncident, getIncidents, postIncident } from "./api.js";
import { GapList } from "./gap_list.js";
import { t } from "./i18n.js";
import { Roll } from "./incident_roll.js";
import { html } from "./markup.js";
import { reportPage, troubleOf } from "./report_frame.js";
import { session } from "./session.js";

/** @typedef {import("console-api").Incident} Incident */
/** @typedef {import("console-api").NewIncident} NewIncident */

const AGAIN_MS = 3_000;
const KINDS = ["fire", "flood", "outage", "heat", "gas"];
const ASKS = ["both", "residents", "responders"];

const incidents = signal(/** @type {Incident[]} */ ([]));
const gaps = signal(/** @type {import("console-api").Gap[]} */ ([]));
const areas = signal(/** @type {{ id: string, name: string }[]} */ ([]));
const open = signal(/** @type {Incident | null} */ (null));
const trouble = signal("");

const chosen = () => decodeURIComponent(location.hash.slice(1));

/** Answers that were overtaken by another choice are dropped. */
async function look() {
  const [waiting, listed] = await Promise.all([getGaps(), getIncidents()]);
  if (waiting.ok) gaps.value = waiting.body.gaps;
  trouble.value = listed.ok ? "" : troubleOf(listed);
  if (listed.ok) incidents.value = listed.body.incidents;
  const id = chosen();
  if (!id) return (open.value = null);
  const one = await getIncident(id);
  if (id === chosen()) open.value = one.ok ? one.body.incident : null;
}

/** @param {Event} event */
async function raise(event) {
  event.preventDefault();
  const form = /** @type {HTMLFormElement} */ (event.target);
  const fields = new FormData(form);
  const said = /** @type {NewIncident} */ (/** @type {unknown} */ (Object.fromEntries(fields)));
  const answer = await postIncident(said);
  trouble.value = answer.ok ? "" : troubleOf(answer);
  if (!answer.ok) return;
  form.reset();
  location.hash = encodeURIComponent(answer.body.incident.id);
}

/** @param {{ name: string, words: string[], prefix: string }} props */
function Choice({ name, words, prefix }) {
  return html`<label>${t(`incident.${name}`)}<select name=${name}>
    ${words.map((word) => html`<option value=${word}>${t(`${prefix}.${word}`)}</option>`)}
  </select></label>`;
}

const decides = () => ["supervisor", "admin"].includes(session.value?.role ?? "");

function RaiseForm() {
  if (!decides()) return null;
  return html`<section>
    <h2>${t("incident.raise")}</h2>
    <form class="report-form" onSubmit=${raise}>
      ${h(Choice, { name: "kind", words: KINDS, prefix: "incident_kind" })}
      <label>${t("incident.area")}<select name="area">
        ${areas.value.map(({ id, name }) => html`<option value=${id}>${name}</option>`)}
      </select></label>
      ${h(Choice, { name: "ask", words: ASKS, prefix: "incident_ask" })}
      <label>${t("incident.words")}<input name="words" maxlength="200" required autocomplete="off" /></label>
      <button class="primary">${t("incident.raise_now")}</button>
    </form>
  </section>`;
}

function List() {
  if (!incidents.value.length) return html`<p class="report-empty">${t("incident.none")}</p>`;
  return html`<section>
    <h2 id="incidents-heading">${t("incident.list")}</h2>
    <ul aria-labelledby="incidents-heading">${incidents.value.map((one) => html`<li key=${one.id}>
      <a href=${`#${encodeURIComponent(one.id)}`} aria-current=${one.id === open.value?.id ? "true" : undefined}>
        ${t(`incident_kind.${one.kind}`)} ${one.area_name}</a>
      ${" "}${t("incident.progress", { accounted: one.progress.accounted, total: one.progress.total })}
      ${one.closed_at && html` <span>${t("incident.closed")}</span>`}
    </li>`)}</ul>
  </section>`;
}

function Body() {
  useEffect(() => {
    look();
    getAreas().then((answer) => {
      if (answer.ok) areas.value = answer.body.areas;
    });
    addEventListener("hashchange", look);
    const again = setInterval(look, AGAIN_MS);
    return () => {
      removeEventListener("hashchange", look);
      clearInterval(again);
    };
  }, []);
  return html`<p role="alert" class="form-trouble">${trouble.value}</p>
    ${h(GapList, { gaps: gaps.value, decides: decides(), changed: look })}
    ${h(RaiseForm, {})}${h(List, {})}
    ${open.value && h(Roll, { key: open.value.id, incident: open.value, changed: look })}`;
}

export const IncidentsPage = reportPage("/incidents", "incident.title", Body);
