// One alert of the past as its record tells it: card, steps, calls and what happened. Nothing here acts.
import { h } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { KindWord, Marks } from "./alert_row.js";
import { language, plural, t } from "./i18n.js";
import { LegPanel } from "./leg_panel.js";
import { html } from "./markup.js";
import { Plan } from "./plan.js";
import { momentText } from "./register_words.js";
import { ResidentCard } from "./resident_card.js";
import { may } from "./session.js";
import { Timeline } from "./timeline.js";

/** @typedef {import("console-api").Alert} Alert */
/** @typedef {import("console-api").AlertDetail} AlertDetail */

/** How it ended, or how it stands; and who had it last. @param {Alert} alert */
export function endOf(alert) {
  const end = alert.outcome ? t(`outcome.${alert.outcome}`) : t(`state.${alert.state}`);
  return `${end} · ${alert.owner ? alert.owner.name : t("past.no_owner")}`;
}

/** @param {{ alert: Alert, incident: string | null }} props */
function Heading({ alert, incident }) {
  const heading = useRef(/** @type {HTMLHeadingElement | null} */ (null));
  useEffect(() => heading.current?.focus(), [alert.id]);
  return html`<div class="view-title">
      ${h(KindWord, { alert })}
      <h2 id="past-heading" tabindex="-1" ref=${heading}>${alert.resident_name || t("mark.unidentified")}</h2>
      <span>${t("past.opened", { when: momentText(alert.opened_at) })}</span>
      ${alert.press_count > 1 && html`<span class="presses">${plural("row.presses", alert.press_count)}</span>`}
    </div>
    <div class="view-state">
      <span>${endOf(alert)}</span>
      ${h(Marks, { alert })}
      <a target="_blank" rel="noopener"
        href=${`/handover/${encodeURIComponent(alert.id)}?lang=${language.value}`}>${t("view.handover_card")}</a>
      ${incident && html`<a href=${`/incidents#${encodeURIComponent(incident)}`}>${t("view.incident")}</a>`}
    </div>`;
}

/** @param {{ data: AlertDetail }} props */
export function PastAlert({ data }) {
  const { alert } = data;
  return html`${h(Heading, { alert, incident: data.incident })}
    ${alert.state !== "closed" && html`<p class="past-open">${t("past.still_open")}</p>`}
    <p class="record-says">${t("past.card_of_now")}</p>
    ${h(ResidentCard, { detail: data, alert })}
    ${h(Plan, { data })}
    ${may("see_calls") && h(LegPanel, { alert, detail: data })}
    ${h(Timeline, { detail: data })}`;
}
