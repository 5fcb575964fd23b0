// The calls of the open alert, one line for each telephone: who, how it stands, what can be done with it.
// What no line can place is the loudest: a person has to dial it.
import { h } from "preact";
import { useEffect } from "preact/hooks";
import { answerWord, legName, legWord } from "./call_words.js";
import { now } from "./clock.js";
import { duration, plural, t, word } from "./i18n.js";
import { Icon } from "./icons.js";
import { actOnLeg, fetchNumbers, numbers, numbersMissing, pendingLegs } from "./leg_commands.js";
import { isOver, legsOf, mayHangUp, mayHold, wantsHand } from "./legs.js";
import { looking } from "./looking.js";
import { html } from "./markup.js";
import { passive } from "./one_console.js";

/** @typedef {import("console-api").Alert} Alert */
/** @typedef {import("console-api").Offer} Offer */
/** @typedef {import("./legs.js").LegView} LegView */

/** What is read out: the rest is seen soon enough. */
const SPOKEN = new Set(["in_room", "by_hand", "ended", "waits"]);

/** Why somebody is rung who is not asked to go.
 * @type {Record<string, string>} */
const BESIDE = { transfer: "leg.transfer", consult: "leg.consult" };

/** @param {{ leg: LegView, alert: Alert }} props */
function ByHand({ leg, alert }) {
  const number = numbers.value[leg.call.id];
  useEffect(() => {
    if (number === undefined) fetchNumbers(alert.id);
  }, [leg.call.id]);
  return html`<p class="leg-by-hand">
    <strong>${t("leg.dial_yourself", { name: legName(leg.call) })}</strong>
    ${number && html`<a class="phone" href=${`tel:${number}`}>${number}</a>`}
    ${number === "" && html`<span>${t("leg.no_number")}</span>`}
    ${number === undefined && numbersMissing.value && html`<button type="button"
      onClick=${() => fetchNumbers(alert.id)}>${t("leg.fetch_number")}</button>`}
  </p>`;
}

/** @param {{ leg: LegView, alert: Alert }} props */
function LegButtons({ leg, alert }) {
  const busy = passive.value || Boolean(pendingLegs.value[leg.call.id]);
  const name = legName(leg.call);
  const held = leg.call.held;
  /** @param {"hang_up" | "hold" | "unhold"} action */
  const does = (action) => () => !busy && actOnLeg(leg.call, action);
  return html`<span class="leg-buttons">
    ${mayHold(leg) && html`<button type="button" aria-disabled=${busy} onClick=${does(held ? "unhold" : "hold")}
      aria-label=${t(held ? "leg.unhold_named" : "leg.hold_named", { name })}>${t(held ? "leg.unhold" : "leg.hold")}</button>`}
    ${mayHangUp(leg, alert) && html`<button type="button" aria-disabled=${busy} onClick=${does("hang_up")}
      aria-label=${t("leg.hang_up_named", { name })}>${t("leg.hang_up")}</button>`}
  </span>`;
}

/** Of which step of the network, and how soon they could be there: why they are asked before others.
 * @param {Offer | undefined} offer */
function chosen(offer) {
  if (!offer?.level) return "";
  return t("leg.chosen", { level: word("level", offer.level), minutes: Math.max(1, Math.round(offer.score / 60)) });
}

/** @param {{ leg: LegView, legs: LegView[], alert: Alert, offer: Offer | undefined }} props */
function LegRow({ leg, legs, alert, offer }) {
  const { call, state } = leg;
  const loud = !looking.value && wantsHand(leg, legs, alert);
  const over = isOver(leg);
  return html`<li class=${loud ? "leg leg-loud" : over ? "leg leg-over" : "leg"} data-call=${call.id} data-state=${state}>
    ${h(Icon, { name: `leg_${state}` })}
    <span class="leg-who">${legName(call)}${call.name && html` <small>${word("call_role", call.role)}</small>`}
      ${chosen(offer) && html` <small>${chosen(offer)}</small>`}</span>
    <span class="leg-state">
      <span>${legWord(call, state)}</span>
      ${call.answer && html`<strong class=${`leg-answer leg-${call.answer}`}>${answerWord(call)}</strong>`}
      ${BESIDE[call.dialogue] && html`<span class="mark">${t(BESIDE[call.dialogue] ?? "")}</span>`}
      ${call.machine && html`<span class="mark">${t("leg.machine")}</span>`}
      ${!over && html`<time class="figures" datetime=${leg.since}>${duration(now.value - Date.parse(leg.since))}</time>`}
    </span>
    ${!looking.value && h(LegButtons, { leg, alert })}
    ${loud && h(ByHand, { leg, alert })}
  </li>`;
}

/** The newest change worth hearing, as one short sentence.
 * @param {LegView[]} legs */
function spoken(legs) {
  const telling = legs.filter((leg) => leg.call.answer || SPOKEN.has(leg.state));
  const last = telling.sort((a, b) => a.since.localeCompare(b.since)).pop();
  if (!last) return "";
  const { answer } = last.call;
  const state = answer && !isOver(last) ? answerWord(last.call) : legWord(last.call, last.state);
  return t("leg.spoken", { name: legName(last.call), state });
}

/** @param {{ alert: Alert, detail: import("console-api").AlertDetail }} props */
export function LegPanel({ alert, detail }) {
  const legs = legsOf(detail.timeline);
  if (legs.length === 0) return null;
  const live = legs.filter((leg) => !isOver(leg)).length;
  const offers = new Map(detail.offers.map((offer) => [offer.party, offer])); // the last one to each
  return html`<section class="legs" id="legs" tabindex="-1" aria-labelledby="legs-heading">
    <h3 id="legs-heading">${t("view.legs")} <small>${plural("legs.live", live)}</small></h3>
    <p class="visually-hidden" role="status">${spoken(legs)}</p>
    <ul tabindex="0" aria-labelledby="legs-heading">
      ${legs.map((leg) => h(LegRow, { key: leg.call.id, leg, legs, alert, offer: offers.get(leg.call.party) }))}
    </ul>
  </section>`;
}
