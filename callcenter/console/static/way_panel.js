// Help on its way to the open alert: on the map, and the same in words, with its distance and the age of what is known.
import { signal } from "@preact/signals";
import { h } from "preact";
import { now } from "./clock.js";
import { detail } from "./detail.js";
import { roughly, t } from "./i18n.js";
import { html } from "./markup.js";
import { TownMap } from "./town_map.js";
import { goalOf, metresBetween, spotsOf } from "./whereabouts.js";

/** @typedef {import("console-api").AlertDetail} AlertDetail */
/** @typedef {import("./whereabouts.js").Spot} Spot */

const OLD_MS = 10 * 60_000;

/** Offer -> where its person was last, of everybody who is under way and shares it.
 * @type {import("@preact/signals").Signal<ReadonlyMap<string, import("console-api").SharedPosition>>} */
const positions = signal(new Map());

/** @param {import("console-api").LivePositions} frame */
export function hearPositions(frame) {
  positions.value = new Map(frame.positions.map((one) => [one.offer, one]));
}

/** After a break or another sign-in: who has stopped sharing meanwhile is not told, only who shares. */
export const forgetPositions = () => void (positions.value = new Map());

/** @param {number} metres */
function distance(metres) {
  if (metres >= 1_000) return t("map.kilometres", { n: (metres / 1_000).toFixed(1) });
  return t("map.metres", { n: Math.round(metres / 10) * 10 });
}

/** @param {Spot} spot */
const label = (spot) => (spot.sort === "helper" ? spot.name : t(`map.${spot.sort}`));

/** @param {Spot} spot */
const isOld = (spot) => spot.at !== null && now.value - Date.parse(spot.at) > OLD_MS;

/** @param {{ spot: Spot, goal: import("./whereabouts.js").Place | null, searching: boolean }} props */
function Line({ spot, goal, searching }) {
  const far = spot.place && goal && spot.state !== "there" ? distance(metresBetween(spot.place, goal)) : "";
  const age = spot.at && roughly(now.value - Date.parse(spot.at));
  return html`<li class=${spot.late ? "way way-late" : "way"} data-offer=${spot.id} data-state=${spot.state}>
    <strong>${spot.name}</strong>
    <span class="way-state">${t(`map.state.${spot.state}`)}${spot.late && ` · ${t("map.late")}`}</span>
    <span class="figures">${far && t(searching ? "map.from_fix" : "map.from_door", { far })}</span>
    <span>${age ? t("map.age", { age }) : spot.place ? spot.state !== "there" && t("map.usual") : t("map.nowhere")}</span>
  </li>`;
}

/** @param {AlertDetail} data */
const isSearch = ({ alert }) => Boolean(alert.search && !alert.search.found_at);

/** Whether somebody is asked to go, or looked for: then the map comes before the card, else below it.
 * @param {AlertDetail} data */
export const helpComes = (data) => isSearch(data) || spotsOf(data, positions.value).some((spot) => spot.sort === "helper");

/** Shown as soon as there is more to see than the door.
 * @param {{ data: AlertDetail }} props */
export function WayPanel({ data }) {
  const searching = isSearch(data);
  const spots = spotsOf(data, positions.value);
  const helpers = spots.filter((spot) => spot.sort === "helper");
  if (!searching && !spots.some((spot) => spot.sort !== "home")) return null;
  const goal = goalOf(spots, searching);
  const pins = spots.map((spot) => ({ ...spot, label: label(spot), old: isOld(spot) }));
  return html`<section class="ways" aria-labelledby="ways-heading">
    <h3 id="ways-heading">${t(helpers.length > 0 || searching ? "map.heading" : "card.position")}</h3>
    ${spots.some((spot) => spot.place) && h(TownMap, { key: detail.value?.id, pins })}
    <ul>${helpers.map((spot) => h(Line, { key: spot.id, spot, goal, searching }))}</ul>
  </section>`;
}
