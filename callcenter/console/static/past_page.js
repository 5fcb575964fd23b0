// Alerts of the past: found on the left, newest first, the one that is chosen on the right.
import { signal } from "@preact/signals";
import { h } from "preact";
import { useEffect } from "preact/hooks";
import { Marks } from "./alert_row.js";
import { getAlert, getAreas, getPastAlerts } from "./api.js";
import { plural, t } from "./i18n.js";
import { html } from "./markup.js";
import { operators, refreshOperators } from "./operators.js";
import { endOf, PastAlert } from "./past_alert.js";
import { PastFilters } from "./past_filters.js";
import { momentText } from "./register_words.js";
import { reportPage, troubleOf } from "./report_frame.js";
import { may } from "./session.js";

/** @typedef {import("console-api").Alert} Alert */
/** @typedef {import("console-api").AlertDetail} AlertDetail */

const COUNTED = 500; // the centre counts no further

const found = signal(/** @type {Alert[] | null} */ (null));
const count = signal(0);
const before = signal(/** @type {string | null} */ (null));
const chosen = signal("");
const detail = signal(/** @type {AlertDetail | null} */ (null));
const areas = signal(/** @type {{ id: string, name: string }[]} */ ([]));
const trouble = signal("");
let asked = new URLSearchParams();
let asking = 0;

/** @param {URLSearchParams} query */
function search(query) {
  asked = query;
  return page("");
}

/** @param {string} after id of the last alert of the page before; empty: the newest */
async function page(after) {
  const mine = asking += 1;
  const query = new URLSearchParams(asked);
  if (after) query.set("before", after);
  const answer = await getPastAlerts(query);
  if (mine !== asking) return; // a later search has been asked meanwhile
  trouble.value = answer.ok ? "" : answer.problem?.code === "too_many" ? t("past.too_many") : troubleOf(answer);
  if (!answer.ok) return;
  found.value = after ? [...found.value ?? [], ...answer.body.alerts] : answer.body.alerts;
  before.value = answer.body.before;
  count.value = answer.body.count ?? count.value;
}

/** The one that the address names: a link leads to it, and the way back leads away from it. */
async function look() {
  const id = decodeURIComponent(location.hash.slice(1));
  chosen.value = id;
  if (detail.value?.alert.id !== id) detail.value = null;
  if (!id) return;
  const answer = await getAlert(id);
  if (chosen.value !== id) return;
  trouble.value = answer.ok ? "" : answer.status === 404 ? t("view.missing") : troubleOf(answer);
  if (answer.ok) detail.value = answer.body;
}

/** @param {{ alert: Alert }} props */
function Row({ alert }) {
  const where = [alert.resident_name || t("mark.unidentified"), alert.place || alert.device_id];
  const open = () => void (location.hash = encodeURIComponent(alert.id));
  return html`<li><button type="button" data-id=${alert.id}
    aria-current=${alert.id === chosen.value ? "true" : undefined} onClick=${open}>
    <strong>${momentText(alert.opened_at)} ${t(`kind.${alert.kind}`)}</strong>
    <span>${where.join(" · ")}</span>
    <span>${endOf(alert)} ${h(Marks, { alert })}</span>
  </button></li>`;
}

/** @param {Alert[] | null} alerts */
function counted(alerts) {
  if (alerts === null) return "";
  if (alerts.length === 0) return t("past.none");
  return count.value >= COUNTED ? t("past.count_more", { n: COUNTED }) : plural("past.count", count.value);
}

function Found() {
  const alerts = found.value;
  const older = before.value;
  return html`<p role="status">${counted(alerts)}</p>
    <ul class="record-list">${(alerts ?? []).map((alert) => h(Row, { key: alert.id, alert }))}</ul>
    ${older && html`<button type="button" onClick=${() => page(older)}>${t("past.older")}</button>`}`;
}

function Body() {
  useEffect(() => {
    refreshOperators();
    getAreas().then((answer) => {
      if (answer.ok) areas.value = answer.body.areas;
    });
    look();
    addEventListener("hashchange", look);
    return () => removeEventListener("hashchange", look);
  }, []);
  const shown = detail.value;
  return html`<p role="alert" class="form-trouble">${trouble.value}</p>
    ${h(PastFilters, { search, areas: areas.value, operators: operators.value })}
    <div class="record-page">
      <section aria-label=${t("register.found")}>${h(Found, {})}</section>
      <section class="record past" aria-label=${t("past.one")}>
        ${shown ? h(PastAlert, { data: shown }) : html`<p class="report-empty">${t("past.choose")}</p>`}
      </section>
    </div>`;
}

const Allowed = () => (may("see_people") ? h(Body, {}) : html`<p>${t("past.not_yours")}</p>`);

export const PastPage = reportPage("/alerts", "past.title", Allowed);
