// The open alert: who and what on top, the card on the left, actions and timeline on the right.
import { h } from "preact";
import { useEffect } from "preact/hooks";
import { ActionBar } from "./action_bar.js";
import { alertOf, revision } from "./alert_book.js";
import { AskingPanel } from "./asking_panel.js";
import { Age, KindWord, Marks, Owner } from "./alert_row.js";
import { detail, openedId, refreshDetail } from "./detail.js";
import { DrillLine } from "./drill_strip.js";
import { grantFocus } from "./focus.js";
import { now } from "./clock.js";
import { Offered } from "./handing_over.js";
import { clockTime, language, plural, t } from "./i18n.js";
import { Idle } from "./idle_claims.js";
import { goBack } from "./keys.js";
import { LegPanel } from "./leg_panel.js";
import { html } from "./markup.js";
import { Plan } from "./plan.js";
import { ResidentCard } from "./resident_card.js";
import { may } from "./session.js";
import { Timeline } from "./timeline.js";
import { helpComes, WayPanel } from "./way_panel.js";

/** @typedef {import("console-api").Alert} Alert */

/** The newer of what the live feed and the card say.
 * @param {string} id @returns {Alert | undefined} */
function freshest(id) {
  const told = alertOf(id);
  const asked = detail.value?.data?.alert;
  if (!told || !asked) return told ?? asked;
  return asked.version > told.version ? asked : told;
}

/** @param {{ trouble: "missing" | "unreachable" | null }} props */
function Trouble({ trouble }) {
  if (!trouble) return null;
  return html`<p class="notice notice-warning" role="alert">
    <span>${t(`view.${trouble}`)}</span>
    ${trouble === "unreachable" && html`<button type="button" onClick=${refreshDetail}>${t("view.retry")}</button>`}
  </p>`;
}

/** @param {{ alert: Alert, incident: string | null }} props */
function Heading({ alert, incident }) {
  return html`<div class="view-head">
    ${alert.drill && h(DrillLine, {})}
    <div class="view-title">
      ${h(KindWord, { alert })}
      <h2>${alert.resident_name || t("mark.unidentified")}</h2>
      ${alert.press_count > 1 && html`<span class="presses">${plural("row.presses", alert.press_count)}</span>`}
      <span class="spring"></span>
      ${h(Age, { alert })}
      <a class="handover-card" target="_blank" rel="noopener"
        href=${`/handover/${encodeURIComponent(alert.id)}?lang=${language.value}`}>${t("view.handover_card")}</a>
      ${incident && html`<a href=${`/incidents#${encodeURIComponent(incident)}`} target="_blank" rel="noopener">${t("view.incident")}</a>`}
      <button type="button" onClick=${goBack}>${t("view.back")}</button>
    </div>
    <div class="view-state">
      ${h(Owner, { alert })}
      ${h(Idle, { alert })}
      <span class="priority">${t("view.priority", { priority: alert.priority })}</span>
      ${alert.responder && html`<strong class="going">${t(alert.responder.arrived_at ? "view.there" : "view.going", { name: alert.responder.name || t("call_role.responder") })}</strong>`}
      ${alert.search && html`<span>${alert.search.found_at ? t("view.found") : plural("view.searchers", alert.search.searchers.length)}</span>`}
      ${alert.reached_at && html`<span>${t("view.reached", { when: clockTime(alert.reached_at, now.peek()) })}</span>`}
      ${alert.outcome && html`<span>${t(`outcome.${alert.outcome}`)}</span>`}
      ${h(Marks, { alert })}
    </div>
    ${h(Offered, { alert })}
  </div>`;
}

export function AlertView() {
  revision.value;
  const id = openedId.value;
  useEffect(grantFocus);
  const alert = id === null ? undefined : freshest(id);
  if (id === null) return html`<section class="view view-empty"><p>${t("view.none")}</p></section>`;
  const shown = detail.value?.id === id ? detail.value : null;
  const data = shown?.data ?? null;
  return html`<section class="view" id="alert-view" tabindex="-1" aria-label=${t("view.name")}>
    ${alert && h(Heading, { alert, incident: data?.incident ?? null })}
    ${h(Trouble, { trouble: shown?.trouble ?? null })}
    <div class="view-columns">
      <div class="view-card">
        ${alert && data && h(AskingPanel, { alert, data })}
        ${data && helpComes(data) && h(WayPanel, { data })}
        ${alert && data ? h(ResidentCard, { detail: data, alert }) : !shown?.trouble && html`<p class="loading">${t("view.loading")}</p>`}
        ${data && !helpComes(data) && h(WayPanel, { data })}
      </div>
      <div class="view-work">
        ${alert && may("work_alerts") && h(ActionBar, { alert, data })}
        ${data && h(Plan, { data })}
        ${alert && data && may("see_calls") && h(LegPanel, { alert, detail: data })}
        ${data && h(Timeline, { detail: data })}
      </div>
    </div>
  </section>`;
}
