// A claim on which nothing is done goes back to the queue. Its owner hears and sees that coming, with half the time left.
import { signal } from "@preact/signals";
import { h } from "preact";
import { now } from "./clock.js";
import { duration, t } from "./i18n.js";
import { html } from "./markup.js";
import { session } from "./session.js";

/** @typedef {import("console-api").Alert} Alert */

const limitMs = signal(60_000);
/** Alert -> the touch after which it was told. @type {Map<string, string>} */
const told = new Map();

/** @param {import("console-api").LiveBeat} beat */
export function hearLimit({ claim_idle_s: seconds }) {
  limitMs.value = seconds * 1000;
}

/** How long its owner has, where that is this operator and half the time is over.
 * @param {Alert} alert @param {number} at @returns {number | null} milliseconds */
function left(alert, at) {
  if (alert.state !== "claimed" || alert.touched_at === null || alert.owner?.id !== session.value?.operator.id) return null;
  const rest = Date.parse(alert.touched_at) + limitMs.value - at;
  return rest < limitMs.value / 2 ? rest : null;
}

/** Claims of this operator of which they have not been told since they last touched them.
 * @param {Iterable<Alert>} alerts @param {number} at @returns {Alert[]} */
export function newlyIdle(alerts, at) {
  const found = [...alerts].filter((one) => left(one, at) !== null && told.get(one.id) !== one.touched_at);
  for (const one of found) told.set(one.id, one.touched_at ?? "");
  return found;
}

export const forgetIdle = () => told.clear();

/** @param {{ alert: Alert }} props */
function Warning({ alert }) {
  const rest = left(alert, now.value);
  if (rest === null) return null;
  return html`<span class="mark mark-idle">${t("row.idle", { time: duration(rest) })}</span>`;
}

/** Only the rows of those who have one look at the clock. @param {{ alert: Alert }} props */
export function Idle({ alert }) {
  return alert.state === "claimed" && alert.owner?.id === session.value?.operator.id ? h(Warning, { alert }) : null;
}
