// How long ago the centre's own test alarm came all the way through. Nobody sees the alarm itself; that it comes is
// what lets everybody believe in a quiet list.
import { signal } from "@preact/signals";
import { now } from "./clock.js";
import { roughly, t } from "./i18n.js";
import { html } from "./markup.js";

const MISSED_MS = 180_000; // two in a row and a minute

/** null: none is set up; undefined: the centre has not said yet. */
export const testAlarmAt = signal(/** @type {string | null | undefined} */ (undefined));

/** @param {{ test_alarm_at?: string | null }} said by a beat or a snapshot */
export function hearTestAlarm(said) {
  if (said.test_alarm_at !== undefined) testAlarmAt.value = said.test_alarm_at;
}

export function forgetTestAlarm() {
  testAlarmAt.value = undefined;
}

/** @param {string | null | undefined} at @param {number} today milliseconds of now
 * @returns {"unknown" | "none" | "missed" | "well"} */
export function testAlarmState(at, today) {
  if (at === undefined) return "unknown";
  if (at === null) return "none";
  return today - Date.parse(at) > MISSED_MS ? "missed" : "well";
}

export const testAlarmMissed = () => testAlarmState(testAlarmAt.value, now.value) === "missed";

/** It may be a little ahead of the clock of this page. @param {string | null | undefined} at @param {number} today */
const ago = (at, today) => roughly(Math.max(0, today - Date.parse(at ?? "")));

export function TestAlarm() {
  const at = testAlarmAt.value;
  const state = testAlarmState(at, now.value);
  if (state === "unknown") return null;
  const said = state === "none" ? t("test_alarm.none") : t(`test_alarm.${state}`, { ago: ago(at, now.value) });
  return html`<span class=${`test-alarm test-alarm-${state}`} data-state=${state}>${said}</span>`;
}
