// One row of the list. Every fact has a word; shape and colour only repeat it.
import { h } from "preact";
import { now } from "./clock.js";
import { isReal } from "./drill.js";
import { duration, plural, t } from "./i18n.js";
import { Icon } from "./icons.js";
import { Idle } from "./idle_claims.js";
import { html } from "./markup.js";
import { isEmergency, isUnclaimed, lateness, marks, openedMs } from "./order.js";
import { pending } from "./commands.js";
import { ROW } from "./list_layout.js";
import { locked } from "./privacy.js";
import { session } from "./session.js";

/** @typedef {import("console-api").Alert} Alert */

/** @param {{ alert: Alert }} props */
export function Age({ alert }) {
  const age = now.value - openedMs(alert);
  const late = lateness(alert, age);
  return html`<span class=${`age age-${late ?? "none"}`}>
    ${late && h(Icon, { name: late })}
    <span class="age-figure">${duration(age)}</span>
    <span class="age-word">${late ? t(`age.${late}`) : t("age.open")}</span>
  </span>`;
}

/** @param {{ alert: Alert }} props */
export function Owner({ alert }) {
  const way = pending.value[alert.id];
  if (way?.action === "claim") return html`<span class="owner owner-pending">${t("row.claiming")}</span>`;
  const unclaimed = isUnclaimed(alert);
  const mine = alert.owner?.id === session.value?.operator.id;
  const name = alert.owner ? (mine ? t("row.yours") : locked.value ? "" : alert.owner.name) : "";
  const state = unclaimed && alert.state !== "waiting" ? `${t(`state.${alert.state}`)} · ${t("row.nobody")}` : t(`state.${alert.state}`);
  return html`<span class=${unclaimed ? "owner owner-none" : "owner"}>${state}${name && ` · ${name}`}</span>`;
}

/** @param {{ alert: Alert }} props */
export function Marks({ alert }) {
  const names = [...(isReal(alert) ? ["real"] : []), ...marks(alert)];
  if (names.length === 0) return null;
  return html`<span class="marks">
    ${names.map((name) => html`<span key=${name} class=${`mark mark-${name}`}>${t(`mark.${name}`)}</span>`)}
  </span>`;
}

/** @param {{ alert: Alert }} props */
export function KindWord({ alert }) {
  const tone = isEmergency(alert) ? "emergency" : "technical";
  return html`<span class=${`kind kind-${tone}`}>${h(Icon, { name: alert.kind })}<span>${t(`kind.${alert.kind}`)}</span></span>`;
}

/** Apart from the row, whose place and number change with every new alert: it is drawn anew only when the alert is
 * another one, as all components are that read a signal (@preact/signals).
 * @param {{ alert: Alert }} props */
function Facts({ alert }) {
  const name = locked.value ? undefined : alert.resident_name || t("mark.unidentified");
  const place = locked.value ? undefined : alert.place || t("place.unknown", { device: alert.device_id });
  return html`<span class="row-bar"></span>
    <div class="row-line">
      ${h(KindWord, { alert })}
      <strong class="row-name" title=${name}>${name}</strong>
      ${h(Age, { alert })}
    </div>
    <div class="row-line row-where">
      <span class="row-place" title=${place}>${place}</span>
      ${alert.press_count > 1 && html`<span class="presses">${plural("row.presses", alert.press_count)}</span>`}
    </div>
    <div class="row-line row-state">${h(Owner, { alert })}${h(Idle, { alert })}${h(Marks, { alert })}</div>`;
}

/** @param {{ alert: Alert, index: number, rows: number, padTop: number, active: boolean, opened: boolean, member: boolean }} props */
export function AlertRow({ alert, index, rows, padTop, active, opened, member }) {
  const classes = [
    "row",
    isEmergency(alert) ? "row-emergency" : "row-technical",
    isUnclaimed(alert) ? "row-unclaimed" : "row-taken",
    alert.state === "resolved" || alert.state === "closed" ? "row-over" : "",
    alert.drill ? "row-drill" : "",
    active ? "row-active" : "",
    member ? "row-member" : "",
  ];
  return html`<div class=${classes.join(" ")} role="option" id=${`row-${alert.id}`} data-id=${alert.id}
    aria-selected=${opened} aria-posinset=${index + 1} aria-setsize=${rows}
    style=${{ transform: `translateY(${padTop + index * ROW}px)` }}>
    ${h(Facts, { alert })}
  </div>`;
}
