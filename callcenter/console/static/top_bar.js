// The bar at the top: how much is waiting, whether the list is live, sound, language, who is signed in.
import { computed } from "@preact/signals";
import { h } from "preact";
import { ownedCount, revision } from "./alert_book.js";
import { Beyond } from "./beyond.js";
import { now } from "./clock.js";
import { DeskWork } from "./desk_work.js";
import { attended } from "./flood.js";
import { FloodSwitch } from "./flood_switch.js";
import { minuteTime, plural, t } from "./i18n.js";
import { keysShown } from "./keys.js";
import { Kept } from "./kept.js";
import { LanguageChoice } from "./language_choice.js";
import { link } from "./live.js";
import { LockButton } from "./lock_panel.js";
import { html } from "./markup.js";
import { warn } from "./notice.js";
import { isEmergency } from "./order.js";
import { Places } from "./places.js";
import { passive } from "./one_console.js";
import { locked } from "./privacy.js";
import { quietForAMinute } from "./room.js";
import { SeatChoice } from "./seat_choice.js";
import { may, session, signOut } from "./session.js";
import { armed, quiet, ringing } from "./sound.js";

const minute = computed(() => Math.floor(now.value / 60_000) * 60_000);

function Counts() {
  revision.value;
  const waiting = attended();
  const tone = waiting.some(isEmergency) ? "count count-waiting" : "count";
  const mine = ownedCount(session.value?.operator.id ?? "");
  return html`<p class="counts">
    <span class=${tone} id="waiting-count">${plural("count.waiting", waiting.length)}</span>
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

async function leave() {
  if (!await signOut()) warn("sign_out.failed");
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
    ${h(SoundState, {})}
    <time class="wall-clock">${minuteTime(minute.value)}</time>
    ${h(LanguageChoice, {})}
    ${!locked.value && html`<button type="button" onClick=${() => (keysShown.value = true)}>${t("keys.button")}</button>`}
    ${!locked.value && h(LockButton, {})}
    <span class="who">${who?.operator.name} <small>${who && t(`role.${who.role}`)}</small></span>
    ${!locked.value && html`<button type="button" onClick=${leave}>${t("sign_out.button")}</button>`}
  </header>`;
}
