// The search form of the call log, and the query it makes.
import { useRef } from "preact/hooks";
import { midnight } from "./days.js";
import { t } from "./i18n.js";
import { html } from "./markup.js";

/** @typedef {{ search: (query: URLSearchParams) => void }} Searching */

const CHOICES = {
  direction: ["inbound", "outbound", "internal"],
  call_role: ["elder", "operator", "responder", "family", "ambulance", "duty", "caller"],
  call_outcome: [
    "answered", "busy", "no_answer", "rejected", "failed", "canceled", "lost", "abandoned", "by_hand",
  ],
};
/** @type {Record<keyof typeof CHOICES, string>} */
const PARAMETERS = { direction: "direction", call_role: "role", call_outcome: "outcome" };

/** @param {HTMLFormElement} form */
function queryOf(form) {
  const fields = new FormData(form);
  const query = new URLSearchParams();
  for (const name of ["q", "number", "direction", "role", "outcome"]) query.set(name, String(fields.get(name) ?? ""));
  query.set("since", midnight(fields.get("first"), 0));
  query.set("until", midnight(fields.get("last"), 1));
  for (const [name, value] of [...query]) if (!value.trim()) query.delete(name);
  return query;
}

/** @param {{ prefix: keyof typeof CHOICES }} choice */
function Choice({ prefix }) {
  return html`<label>${t(`call.${PARAMETERS[prefix]}`)}
    <select name=${PARAMETERS[prefix]}>
      <option value="">${t("calls.any")}</option>
      ${CHOICES[prefix].map((word) => html`<option value=${word}>${t(`${prefix}.${word}`)}</option>`)}
    </select>
  </label>`;
}

/** @param {Searching} props */
export function CallFilters({ search }) {
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  const query = () => (form.current ? queryOf(form.current) : new URLSearchParams());
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    search(query());
  };
  const file = (/** @type {Event} */ event) => {
    const wanted = query();
    wanted.set("format", "csv");
    wanted.set("limit", "1000");
    /** @type {HTMLAnchorElement} */ (event.currentTarget).href = `/api/v1/calls?${wanted}`;
  };
  return html`<form class="report-form" role="search" ref=${form} onSubmit=${submit}>
    <label>${t("call.name")}<input name="q" type="search" maxlength="64" /></label>
    <label>${t("call.number")}<input name="number" type="search" inputmode="tel" maxlength="64" autocomplete="off" /></label>
    <${Choice} prefix="direction" /><${Choice} prefix="call_role" /><${Choice} prefix="call_outcome" />
    <label>${t("report.first_day")}<input name="first" type="date" /></label>
    <label>${t("report.last_day")}<input name="last" type="date" /></label>
    <button type="submit" class="primary">${t("calls.search")}</button>
    <a href="/api/v1/calls?format=csv&limit=1000" download onClick=${file}>${t("calls.csv")}</a>
  </form>`;
}
