// The drill as the centre says it, and what that makes of an alert: while one runs, what is real says so.
import { signal } from "@preact/signals";
import { attended } from "./flood.js";
import { plural, t } from "./i18n.js";

/** @typedef {import("console-api").Alert} Alert */
/** @typedef {import("console-api").DrillState} DrillState */

/** null: none runs, or the centre has not said yet. */
export const drill = signal(/** @type {DrillState | null} */ (null));

/** @param {{ drill?: DrillState | null }} said by a beat, a snapshot or the room */
export function hearDrill(said) {
  const now = said.drill ?? null;
  if (JSON.stringify(now) !== JSON.stringify(drill.value)) drill.value = now;
}

/** While a drill runs nobody has to guess which alarm is real. @param {Alert} alert */
export const isReal = (alert) => drill.value !== null && !alert.drill;

/** A sentence about an alert, with the word that matters most before it.
 * @param {Alert} alert @param {string} said */
export function announced(alert, said) {
  if (alert.drill) return t("announce.drill", { said });
  return isReal(alert) ? t("announce.real", { said }) : said;
}

/** What waits, for the title of the page: how many are real, else how many are drills. */
export function titleWords() {
  let real = 0;
  let drills = 0;
  for (const alert of attended()) alert.drill ? (drills += 1) : (real += 1);
  if (real > 0) return plural("title.waiting", real);
  return drills > 0 ? plural("title.drill", drills) : t("title.quiet");
}
