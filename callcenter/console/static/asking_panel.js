// The way up of the open alert: neighbours, village, town, district, and 120 at the end. Each rung with its time, and what
// goes on by itself unless its owner holds it.
import { h } from "preact";
import { now } from "./clock.js";
import { duration, t, word } from "./i18n.js";
import { html } from "./markup.js";

/** @typedef {import("console-api").Alert} Alert */
/** @typedef {import("console-api").AlertDetail} AlertDetail */
/** @typedef {import("console-api").Asking} Asking */
/** @typedef {Asking["levels"][number]} Level */
/** @typedef {"now" | "past" | "ahead"} Place */

/** @param {string} iso */
const until = (iso) => Date.parse(iso) - now.value;

/** The highest level asked so far is the one that is asked now.
 * @param {Level[]} levels @returns {(index: number) => Place} */
function placed(levels) {
  const reached = levels.findLastIndex((one) => one.asked > 0);
  return (index) => (index === reached ? "now" : index < reached ? "past" : "ahead");
}

/** @param {Level} level @param {Place} place @param {boolean} goesOn */
function timeOf(level, place, goesOn) {
  if (place === "ahead") return t("asking.not_yet");
  if (place === "past") return level.asked ? "" : t("asking.skipped");
  if (!goesOn || level.up_at === null) return "";
  const left = until(level.up_at);
  return left > 0 ? t("asking.up", { time: duration(left) }) : t("asking.up_now");
}

/** @param {{ level: Level, place: Place, goesOn: boolean }} props */
function Rung({ level, place, goesOn }) {
  return html`<li class=${`rung rung-${place}`} aria-current=${place === "now" ? "step" : undefined}>
    <strong>${word("level", level.level)}</strong>
    ${level.asked > 0 && html`<span>${t("asking.asked", { n: level.asked })}</span>`}
    <span class="rung-time">${timeOf(level, place, goesOn)}</span>
  </li>`;
}

/** What comes by itself, and when.
 * @param {Asking} asking */
function comes({ next_at: next, held }) {
  if (next === null) return t("asking.none");
  return t(held ? "asking.held" : "asking.next", { time: duration(until(next)) });
}

/** Shown once somebody was asked, until the alert is resolved.
 * @param {{ alert: Alert, data: AlertDetail }} props */
export function AskingPanel({ alert, data }) {
  const { asking } = data;
  if (!asking || alert.state === "resolved" || alert.state === "closed") return null;
  const place = placed(asking.levels);
  const withAmbulance = alert.state === "handed_over";
  return html`<section class="asking" aria-labelledby="asking-heading">
    <h3 id="asking-heading">${t("asking.heading")} <small class=${asking.held ? "asking-held" : ""}>${comes(asking)}</small></h3>
    <ol>
      ${asking.levels.map((level, index) => h(Rung, { key: level.level, level, place: place(index), goesOn: asking.next_at !== null }))}
      <li class=${`rung rung-${withAmbulance ? "now" : "ahead"}`}><strong>120</strong>
        <span>${t(withAmbulance ? "asking.has_it" : "asking.by_you")}</span></li>
    </ol>
  </section>`;
}
