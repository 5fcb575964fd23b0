// The search form of past alerts, and the query it makes.
import { h } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { midnight } from "./days.js";
import { t } from "./i18n.js";
import { html } from "./markup.js";

/** @typedef {{ id: string, name: string }} Named */

const KINDS = ["sos", "fall", "fire", "gas", "wander", "help", "ambulance", "offline", "service", "battery"];
const OUTCOMES = [
  "helped_at_home", "taken_to_hospital", "advice_by_phone", "family_informed", "false_alarm", "test_or_drill",
  "device_fault", "service_arranged", "nobody_found", "deceased", "other",
];
const STATES = ["waiting", "claimed", "helping", "handed_over", "resolved", "closed"];
const FIELDS = ["q", "device", "kind", "outcome", "state", "operator", "area", "drills"];

/** @param {HTMLFormElement} form */
function queryOf(form) {
  const fields = new FormData(form);
  const query = new URLSearchParams();
  for (const name of FIELDS) query.set(name, String(fields.get(name) ?? "").trim());
  query.set("since", midnight(fields.get("first"), 0));
  query.set("until", midnight(fields.get("last"), 1));
  for (const [name, value] of [...query]) if (!value) query.delete(name);
  return query;
}

/** What another page asks for: the link in a resident's record names them. @param {string} name */
const given = (name) => new URLSearchParams(location.search).get(name) ?? "";

/** @param {{ name: string, label: string, options: [string, string][] }} props value and text */
function Choice({ name, label, options }) {
  return html`<label>${label}<select name=${name}>
    <option value="">${t("calls.any")}</option>
    ${options.map(([value, text]) => html`<option value=${value}>${text}</option>`)}
  </select></label>`;
}

/** @param {string[]} words @param {string} prefix @returns {[string, string][]} */
const said = (words, prefix) => words.map((word) => [word, t(`${prefix}.${word}`)]);

/** @param {Named[]} things @returns {[string, string][]} */
const named = (things) => things.map(({ id, name }) => [id, name]);

/** @param {{ search: (query: URLSearchParams) => void, areas: Named[], operators: Named[] }} props */
export function PastFilters({ search, areas, operators }) {
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  const look = () => form.current && search(queryOf(form.current));
  useEffect(() => void look(), []);
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    look();
  };
  return html`<form class="report-form" role="search" ref=${form} onSubmit=${submit}>
    <label>${t("past.who")}<input name="q" type="search" maxlength="64" autocomplete="off" defaultValue=${given("q")} /></label>
    <label>${t("past.device")}<input name="device" type="search" maxlength="64" autocomplete="off" defaultValue=${given("device")} /></label>
    ${h(Choice, { name: "kind", label: t("past.kind"), options: said(KINDS, "kind") })}
    ${h(Choice, { name: "outcome", label: t("past.outcome"), options: said(OUTCOMES, "outcome") })}
    ${h(Choice, { name: "state", label: t("past.state"), options: said(STATES, "state") })}
    ${h(Choice, { name: "operator", label: t("past.operator"), options: named(operators) })}
    ${h(Choice, { name: "area", label: t("past.area"), options: named(areas) })}
    <label>${t("report.first_day")}<input name="first" type="date" /></label>
    <label>${t("report.last_day")}<input name="last" type="date" /></label>
    <label>${t("past.drills")}<select name="drills">
      <option value="">${t("past.without_drills")}</option>
      <option value="only">${t("past.only_drills")}</option>
    </select></label>
    <button type="submit" class="primary">${t("calls.search")}</button>
  </form>`;
}
