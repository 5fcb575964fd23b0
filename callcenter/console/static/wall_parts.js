// What the wall and the supervisor's room have in common: counts, shares, and what is wrong with the centre.
import { now } from "./clock.js";
import { flood } from "./flood.js";
import { duration, plural, t } from "./i18n.js";
import { html } from "./markup.js";
import { silentSeconds } from "./room_look.js";
import { testAlarmMissed } from "./test_alarm.js";

/** @typedef {import("console-api").Wall} Wall */
/** @typedef {import("console-api").Room} Room */

const WARN_S = 15;
const BREACH_S = 60;

/** Only an emergency has the target of 15 s and 60 s.
 * @param {string} of a class @param {number} seconds @returns {"ok" | "warn" | "breach" | "none"} */
export function tone(of, seconds) {
  if (of !== "emergency") return "none";
  if (seconds >= BREACH_S) return "breach";
  return seconds >= WARN_S ? "warn" : "ok";
}

/** How long ago, by the centre's clock. @param {string} at */
export const since = (at) => duration(now.value - Date.parse(at));

/** @param {string} at */
const seconds = (at) => (now.value - Date.parse(at)) / 1000;

/** Rounded down: 99.96 % is not all of them. @param {number | null} share 0 to 1 */
const percent = (share) => (share === null ? "—" : `${Math.floor(share * 1000 + 1e-6) / 10} %`);

/** @param {{ room: Wall | Room }} props */
export function Waiting({ room }) {
  return html`<div class="wall-figures">${room.waiting.map((one) => {
    const how = one.count === 0 || one.oldest_at === null ? "quiet" : tone(one.class, seconds(one.oldest_at));
    return html`<p key=${one.class} class=${`wall-figure wall-${how}`} data-class=${one.class}>
      <span class="wall-name">${t(`wall.class_${one.class}`)}</span>
      <strong>${one.count}</strong>
      <span>${one.oldest_at === null ? t("wall.none") : t("wall.oldest", { age: since(one.oldest_at) })}</span>
    </p>`;
  })}</div>`;
}

/** @param {{ room: Wall | Room }} props */
export function Line({ room }) {
  const { waiting, oldest_at, owed } = room.callers;
  return html`<p class=${`wall-figure ${waiting ? "wall-warn" : "wall-quiet"}`} data-class="callers">
    <span class="wall-name">${t("wall.callers")}</span>
    <strong>${waiting}</strong>
    <span>${oldest_at === null ? plural("wall.owed", owed) : t("wall.oldest", { age: since(oldest_at) })}</span>
  </p>`;
}

/** @param {{ room: Wall | Room }} props */
export function Answers({ room }) {
  const { judged, targets, within_15_s, within_60_s, within_180_s } = room.answers;
  /** @type {[number, number | null][]} */
  const rows = [[15, within_15_s], [60, within_60_s], [180, within_180_s]];
  return html`<section class="wall-answers">
    <h2>${t("wall.answers")}</h2>
    <p>${plural("wall.judged", judged)}</p>
    <ul>${rows.map(([limit, share]) => {
      const target = targets[`within_${limit}_s`] ?? 0;
      const missed = share !== null && share < target;
      return html`<li key=${limit} class=${missed ? "wall-missed" : ""} data-limit=${limit}>
        <span>${t("wall.within", { limit })}</span><strong>${percent(share)}</strong>
        <small>${t(missed ? "wall.target_missed" : "wall.target", { target: percent(target) })}</small>
      </li>`;
    })}</ul>
  </section>`;
}

/** What is wrong, the worst first: key of the text, whether it is, and how loud.
 * @param {Wall | Room | null} room @returns {{ key: string, loud: boolean }[]} */
function troubles(room) {
  if (!room) return [];
  const table = [
    { key: "banner.not_storing", is: !room.storing, loud: true },
    { key: "banner.not_hearing", is: !room.hearing, loud: true },
    { key: "wall.nobody_armed", is: !room.desks.some(({ armed }) => armed), loud: true },
    { key: "banner.not_calling", is: !room.calling, loud: false },
    { key: "banner.test_alarm", is: testAlarmMissed(), loud: false },
    { key: "wall.flood", is: flood.value.on, loud: false },
  ];
  return table.filter(({ is }) => is);
}

/** A region for what must not be overlooked. The seconds stand outside the spoken text.
 * @param {{ room: Wall | Room | null }} props */
export function Troubles({ room }) {
  const silent = silentSeconds();
  return html`<div role="alert" class="alert-region" id="room-troubles">
    ${silent > 0 && html`<p class="banner banner-alarm" data-trouble="old">
      <strong aria-hidden="true">${plural("wall.old", silent)}</strong>
      <strong class="visually-hidden">${t("wall.old_spoken")}</strong>
    </p>`}
    ${troubles(room).map(({ key, loud }) => html`<p key=${key} class=${`banner ${loud ? "banner-alarm" : "banner-loud"}`} data-trouble=${key}>
      <strong>${t(key)}</strong></p>`)}
  </div>`;
}
