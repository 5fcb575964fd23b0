// The supervisor's room: who is where, what nobody has, what was late, and who left what.
import { signal } from "@preact/signals";
import { h } from "preact";
import { useEffect } from "preact/hooks";
import { getRoom } from "./api.js";
import { now } from "./clock.js";
import { DrillDesk } from "./drill_desk.js";
import { DrillStrip } from "./drill_strip.js";
import { GapBanner } from "./gaps.js";
import { FloodSwitch } from "./flood_switch.js";
import { clockTime, duration, plural, t } from "./i18n.js";
import { html } from "./markup.js";
import { reportPage } from "./report_frame.js";
import { keepLooking } from "./room_look.js";
import { may } from "./session.js";
import { TestAlarm } from "./test_alarm.js";
import { Answers, Line, since, Troubles, Waiting } from "./wall_parts.js";

/** @typedef {import("console-api").Room} Room */

const room = signal(/** @type {Room | null} */ (null));

/** A column: its heading, and what it says of a row.
 * @template T @typedef {[string, (row: T) => unknown]} Column */

/** @template T
 * @param {{ id: string, heading: string, empty: string, rows: T[], columns: Column<T>[], key: (row: T) => string | number }} props */
function table({ id, heading, empty, rows, columns, key }) {
  if (!rows.length) return html`<section><h2>${t(heading)}</h2><p class="report-empty">${t(empty)}</p></section>`;
  return html`<section>
    <h2 id=${id}>${t(heading)}</h2>
    <div class="report-scroller" tabindex="0" role="region" aria-labelledby=${id}><table class="report-table">
      <thead><tr>${columns.map(([name]) => html`<th scope="col">${t(name)}</th>`)}</tr></thead>
      <tbody>${rows.map((row) => html`<tr key=${key(row)}>${columns.map(([, said]) => html`<td>${said(row)}</td>`)}</tr>`)}</tbody>
    </table></div>
  </section>`;
}

/** @param {string | null} at */
const clock = (at) => (at ? html`<time datetime=${at}>${clockTime(at, now.value)}</time>` : "—");

/** @type {Column<Room["desks"][number]>[]} */
const DESKS = [
  ["room.operator", (one) => one.name],
  ["room.state", (one) => html`<span class=${`desk-state desk-${one.state}`}>${t(`desk.${one.state}`)}</span>`],
  ["room.since", (one) => clock(one.since)],
  ["room.sound", (one) => (one.online ? t(one.armed ? "desk.armed" : "desk.unarmed") : t("desk.no_console"))],
  ["room.has", (one) => (one.alerts ? plural("desk.alerts", one.alerts) : "—")],
  ["room.last_call", (one) => clock(one.last_call_at)],
];

/** @type {Column<Room["queue"][number]>[]} */
const QUEUE = [
  ["room.kind", (one) => `${t(`kind.${one.kind}`)}${one.silent ? ` · ${t("mark.silent")}` : ""}`],
  ["room.area", (one) => one.area_name ?? t("wall.area_unknown")],
  ["room.waits", (one) => since(one.waiting_since)],
  ["room.presses", (one) => one.press_count],
];

/** @type {Column<Room["breaches"][number]>[]} */
const BREACHES = [
  ["room.kind", (one) => t(`kind.${one.kind}`)],
  ["room.area", (one) => one.area_name ?? t("wall.area_unknown")],
  ["room.opened", (one) => clock(one.opened_at)],
  ["room.waited", (one) => t(one.claimed ? "room.waited_for" : "room.still_waits", { time: duration(one.waited_s * 1000) })],
  ["room.who", (one) => one.owner ?? "—"],
];

/** @type {Column<Room["left"][number]>[]} */
const LEFT = [
  ["room.when", (one) => clock(one.at)],
  ["room.who", (one) => one.operator],
  ["room.how", (one) => t(`left.${one.rule.replace(".", "_")}`)],
  ["room.kind", (one) => (one.kind ? t(`kind.${one.kind}`) : "—")],
  ["room.now", (one) => (one.state ? t(`state.${one.state}`) : "—")],
  ["room.why", (one) => one.text || "—"],
];

/** @param {{ shown: Room }} props */
function Tables({ shown }) {
  return html`
    ${table({ id: "desks", heading: "room.desks", empty: "wall.nobody", rows: shown.desks, columns: DESKS, key: (one) => one.operator_id })}
    ${table({ id: "queue", heading: "room.queue", empty: "wall.queue_empty", rows: shown.queue, columns: QUEUE, key: (one) => one.alert_id })}
    ${table({ id: "breaches", heading: "room.breaches", empty: "room.no_breaches", rows: shown.breaches, columns: BREACHES, key: (one) => one.alert_id })}
    ${table({ id: "left", heading: "room.left", empty: "room.nothing_left", rows: shown.left, columns: LEFT, key: (one) => one.n })}`;
}

function Body() {
  useEffect(() => keepLooking(getRoom, (state) => (room.value = state)), []);
  const shown = room.value;
  return html`${h(DrillStrip, {})}${h(Troubles, { room: shown })}${h(GapBanner, {})}
    ${h(DrillDesk, {})}
    ${shown && html`<p class="room-line">${h(FloodSwitch, {})} ${h(TestAlarm, {})}</p>
      <div class="room-counts">${h(Waiting, { room: shown })}${h(Line, { room: shown })}</div>
      ${h(Answers, { room: shown })}
      ${h(Tables, { shown })}`}`;
}

const Allowed = () => (may("run_room") ? h(Body, {}) : html`<p>${t("room.not_yours")}</p>`);

export const RoomPage = reportPage("/room", "room.title", Allowed);
