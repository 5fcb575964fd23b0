// The wallboard: what can be acted on within a quarter of an hour, to be read from six metres. No name of any resident.
import { computed, signal } from "@preact/signals";
import { h } from "preact";
import { useEffect } from "preact/hooks";
import { getWall } from "./api.js";
import { Asking } from "./asking.js";
import { now } from "./clock.js";
import { DrillStrip } from "./drill_strip.js";
import { minuteTime, plural, t } from "./i18n.js";
import { LanguageChoice } from "./language_choice.js";
import { html } from "./markup.js";
import { keepLooking } from "./room_look.js";
import { may, session } from "./session.js";
import { SignIn } from "./sign_in.js";
import { TestAlarm } from "./test_alarm.js";
import { Answers, Line, since, Troubles, Waiting } from "./wall_parts.js";

/** @typedef {import("console-api").Wall} Wall */

const wall = signal(/** @type {Wall | null} */ (null));
const minute = computed(() => Math.floor(now.value / 60_000) * 60_000);

/** @param {{ shown: Wall }} props */
function Queue({ shown }) {
  if (!shown.queue.length) return html`<p class="wall-empty">${t("wall.queue_empty")}</p>`;
  return html`<ol class="wall-queue">${shown.queue.map((one) => html`<li class=${one.silent ? "wall-silent" : ""}>
    <strong>${t(`kind.${one.kind}`)}</strong>
    <span>${one.area_name ?? t("wall.area_unknown")}</span>
    <span class="wall-age">${since(one.waiting_since)}</span>
  </li>`)}</ol>`;
}

/** @param {{ shown: Wall }} props */
function Desks({ shown }) {
  if (!shown.desks.length) return html`<p class="wall-empty">${t("wall.nobody")}</p>`;
  return html`<ul class="wall-desks">${shown.desks.map((one) => html`<li data-state=${one.state}>
    <strong>${one.name}</strong>
    <span class=${`desk-state desk-${one.state}`}>${t(`desk.${one.state}`)}</span>
    <small>${one.alerts > 0 && plural("desk.alerts", one.alerts)} ${one.state !== "away" && t(one.armed ? "desk.armed" : "desk.unarmed")}</small>
  </li>`)}</ul>`;
}

function Board() {
  useEffect(() => keepLooking(getWall, (state) => (wall.value = state)), []);
  const shown = wall.value;
  return html`<div class="wall">
    <header class="wall-head">
      <h1>${t("wall.title")}</h1>
      ${h(TestAlarm, {})}
      <span class="spring"></span>
      ${h(LanguageChoice, {})}
      <time class="wall-clock">${minuteTime(minute.value)}</time>
    </header>
    ${h(DrillStrip, {})}
    ${h(Troubles, { room: shown })}
    ${shown && html`<main class="wall-body">
      <section class="wall-counts" aria-label=${t("wall.waiting")}>${h(Waiting, { room: shown })}${h(Line, { room: shown })}</section>
      <section><h2>${t("wall.queue")}</h2>${h(Queue, { shown })}</section>
      <section><h2>${t("wall.desks")}</h2>${h(Desks, { shown })}${h(Answers, { room: shown })}</section>
    </main>`}
  </div>`;
}

export function WallPage() {
  const title = t("wall.title");
  useEffect(() => {
    document.title = title;
  }, [title]);
  if (session.value === undefined) return h(Asking, {});
  if (session.value === null) return h(SignIn, {});
  return may("see_wall") ? h(Board, {}) : html`<main class="asking"><p>${t("wall.not_yours")}</p></main>`;
}
