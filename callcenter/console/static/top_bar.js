// The bar at the top: how much is waiting, whether the list is live, sound, language, who is signed in.
import { computed } from "@preact/signals";
import { h } from "preact";
import { ownedCount, revision } from "./alert_book.js";
import { Beyond } from "./beyond.js";
import { now } from "./clock.js";
import { DeskWork } from "./desk_work.js";
import { attended, attendedCount } from "./flood.js";
import { FloodSwitch } from "./flood_switch.js";
import { minuteTime, plural, t } from "./i18n.js";
import { keysShown } from "./keys.js";
import { Kept } from "./kept.js";
import { LanguageChoice } from "./language_choice.js";
import { wantToLeave } from "./leaving.js";
import { link } from "./live.js";
import { LockButton } from "./lock_panel.js";
import { html } from "./markup.js";
import { isEmergency } from "./order.js";
import { Places } from "./places.js";
import { passive } from "./one_console.js";
import { locked } from "./privacy.js";
import { quietForAMinute } from "./room.js";
import { SeatChoice } from "./seat_choice.js";
import { may, session } from "./session.js";
import { armed, quiet, ringing } from "./sound.js";
import { TestAlarm } from "./test_alarm.js";

const minute = computed(() => Math.floor(now.value / 60_000) * 60_000);

function emergencyWaits() {
  for (const alert of attended()) if (isEmergency(alert)) return true;
  return false;
}

function Counts() {
  revision.value;
  const waiting = attendedCount();
  const tone = emergencyWaits() ? "count count-waiting" : "count";
  const mine = ownedCount(session.value?.operator.id ?? "");
  return html`<p class="counts">
    <span class=${tone} id="waiting-count">${plural("count.waiting", waiting)}</span>
    <span class="count">${plural("count.mine", mine)}</span>
  </p>`;
}

function LinkState() {
  const { phase } = link.value;
  return html`<span class=${`link link-${phase}`}>${t(`link.${phase}`)}</span>`;
}

function SoundState() {
  const state = passive.value ? "elsewhere" : !armed.value ? "off" : quiet.value ? "quiet" : ringing.value ? "ringing" : "on";
  return html`<span class="sound" data-sound=${state}>
    <span>${t(`sound.${state}`)}</span>
    ${state === "ringing" && html`<button type="button" onClick=${quietForAMinute}>${t("sound.be_quiet")}</button>`}
  </span>`;
}

export function TopBar() {
  const who = session.value;
  return html`<header class="top-bar">
    <h1>${t("page.name")}</h1>
    ${h(Counts, {})}
    ${may("see_calls") && h(DeskWork, {})}
    ${h(Places, { here: "/" })}
    <span class="spring"></span>
    ${h(Beyond, {})}
    ${may("work_calls") && h(Kept, { shown: !locked.value }, h(SeatChoice, {}))}
    ${may("run_room") && !locked.value && h(FloodSwitch, {})}
    ${h(LinkState, {})}
    ${h(TestAlarm, {})}
    ${h(SoundState, {})}
    <time class="wall-clock">${minuteTime(minute.value)}</time>
    ${h(LanguageChoice, {})}
    ${!locked.value && html`<button type="button" onClick=${() => (keysShown.value = true)}>${t("keys.button")}</button>`}
    ${!locked.value && h(LockButton, {})}
    <span class="who">${who?.operator.name} <small>${who && t(`role.${who.role}`)}</small></span>
    ${!locked.value && html`<button type="button" id="sign-out" onClick=${wantToLeave}>${t("sign_out.button")}</button>`}
  </header>`;
}
