// What must not be overlooked, above everything: the list may be old, alarms are not stored or not
// heard, sound is off. The alert regions stay in the page, so that a text appearing in them is spoken.
import { h } from "preact";
import { DrillStrip } from "./drill_strip.js";
import { FloodStrip } from "./flood_strip.js";
import { GapBanner } from "./gaps.js";
import { Requests } from "./handing_over.js";
import { plural, t } from "./i18n.js";
import { link } from "./live.js";
import { html } from "./markup.js";
import { dismissNotice, notice } from "./notice.js";
import { passive } from "./one_console.js";
import { locked, lockingSoon } from "./privacy.js";
import { armRoomSound, health, takeOverHere } from "./room.js";
import { armed } from "./sound.js";
import { testAlarmMissed } from "./test_alarm.js";
import { wishFocus } from "./focus.js";

function LinkBanner() {
  const { phase, silentSeconds } = link.value;
  // The seconds stand outside the spoken text: a count read out every second drowns everything else.
  return html`<div role="alert" class="alert-region" id="link-banner">
    ${phase === "lost" && html`<p class="banner banner-loud">
      <strong aria-hidden="true">${plural("banner.lost", silentSeconds)}</strong>
      <strong class="visually-hidden">${t("banner.lost_spoken")}</strong>
      <span>${t("banner.lost_do")}</span>
    </p>`}
  </div>`;
}

function HealthBanner() {
  const { storing, hearing, calling } = health.value;
  return html`<div role="alert" class="alert-region" id="health-banner">
    ${!storing && html`<p class="banner banner-alarm">
      <strong>${t("banner.not_storing")}</strong><span>${t("banner.not_storing_do")}</span>
    </p>`}
    ${!hearing && html`<p class="banner banner-loud">
      <strong>${t("banner.not_hearing")}</strong><span>${t("banner.not_hearing_do")}</span>
    </p>`}
    ${!calling && html`<p class="banner banner-loud">
      <strong>${t("banner.not_calling")}</strong><span>${t("banner.not_calling_do")}</span>
    </p>`}
  </div>`;
}

function TestAlarmBanner() {
  return html`<div role="alert" class="alert-region" id="test-alarm-banner">
    ${testAlarmMissed() && html`<p class="banner banner-loud">
      <strong>${t("banner.test_alarm")}</strong><span>${t("banner.test_alarm_do")}</span>
    </p>`}
  </div>`;
}

async function arm() {
  await armRoomSound();
  if (armed.value) wishFocus("alert-list");
}

function SoundStrip() {
  if (armed.value || passive.value) return null;
  return html`<section class="banner banner-quiet" id="sound-strip" aria-labelledby="sound-heading">
    <strong id="sound-heading">${t("banner.sound_off")}</strong>
    <span>${t("banner.sound_off_do")}</span>
    <button type="button" id="arm-sound" class="primary" onClick=${arm}>${t("sound.arm")}</button>
  </section>`;
}

async function takeOver() {
  await takeOverHere();
  wishFocus("alert-list");
}

/** Only who is known to sit here takes over: a locked page would hide what the other one shows. */
function ConsoleStrip() {
  return html`<div aria-live="polite" id="console-strip">
    ${passive.value && html`<p class="banner banner-loud">
      <strong>${t("console.elsewhere")}</strong>
      <span>${t(locked.value ? "console.elsewhere_locked" : "console.elsewhere_do")}</span>
      ${!locked.value && html`<button type="button" id="take-over" class="primary" onClick=${takeOver}>${t("console.take_over")}</button>`}
    </p>`}
  </div>`;
}

/** Its place at the foot of the page is always kept free: a notice must not push a row or a button away
 * from under the pointer. */
export function NoticeLine() {
  const said = locked.value ? null : notice.value; // a notice names people; it waits
  if (lockingSoon.value) {
    return html`<div role="status" class="notice-region" id="notice"><p class="notice notice-info"><span>${t("lock.soon")}</span></p></div>`;
  }
  return html`<div role="status" class="notice-region" id="notice">
    ${said && html`<p class=${`notice notice-${said.tone}`}>
      <span>${t(said.key, said.values)}</span>
      <button type="button" onClick=${dismissNotice}>${t("notice.dismiss")}</button>
    </p>`}
  </div>`;
}

export function Banners() {
  return html`<div class="banners">
    ${h(DrillStrip, {})}${h(HealthBanner, {})}${h(LinkBanner, {})}${h(TestAlarmBanner, {})}${h(GapBanner, {})}${h(Requests, {})}${h(ConsoleStrip, {})}${h(FloodStrip, {})}${h(SoundStrip, {})}
  </div>`;
}
