// Flood mode as the centre says it: whether it is on, which folds the operator has opened, and what is left to attend
// to. Unknown means off: then everything stands in the list and rings.
import { signal } from "@preact/signals";
import { unclaimedAlerts, unclaimedCount } from "./alert_book.js";
import { getAreas } from "./api.js";
import { isFoldable } from "./folds.js";
import { may } from "./session.js";

/** @typedef {import("console-api").Alert} Alert */
/** @typedef {{ flood?: boolean, flood_by?: "load" | "supervisor" }} Said */

const OFF = { on: false, by: "" };
export const flood = signal(OFF);
/** Ids of folds that show their members. */
export const openFolds = signal(/** @type {Set<string>} */ (new Set()));
const areaNames = signal(/** @type {Map<string, string> | null} */ (null));

/** @param {Said} said by a beat or a snapshot */
export function hearFlood(said) {
  const on = said.flood === true;
  const by = on ? said.flood_by ?? "load" : "";
  if (on === flood.value.on && by === flood.value.by) return;
  if (!on) openFolds.value = new Set();
  flood.value = on ? { on, by } : OFF;
}

export function forgetFlood() {
  hearFlood({});
  areaNames.value = null;
}

/** @param {string} id of a fold */
export function toggleFold(id) {
  const next = new Set(openFolds.value);
  if (!next.delete(id)) next.add(id);
  openFolds.value = next;
}

/** It waits in a fold: it does not ring, and is not announced. @param {Alert | undefined} alert */
export const isFolded = (alert) => flood.value.on && alert !== undefined && isFoldable(alert);

function* unfolded() {
  for (const alert of unclaimedAlerts()) if (!isFoldable(alert)) yield alert;
}

/** What waits and is not folded. */
export const attended = () => (flood.value.on ? unfolded() : unclaimedAlerts());

export const attendedCount = () => (flood.value.on ? [...unfolded()].length : unclaimedCount());

export const foldedCount = () => unclaimedCount() - attendedCount();

/** Names are asked for once, by the first fold that is drawn. */
async function learnAreas() {
  areaNames.value = new Map();
  const answer = may("see_network") ? await getAreas() : null;
  if (answer?.ok) areaNames.value = new Map(answer.body.areas.map((area) => [area.id, area.name]));
}

/** @param {string} id */
export function areaName(id) {
  if (areaNames.value === null) learnAreas();
  return areaNames.value?.get(id) || id;
}
