// What flood mode folds: one row per area and kind for technical alerts that nobody has pressed. Pure functions.
// A person's alarm is never in a fold: what is not known for certain to be a technical signal stands in the list.
import { isUnclaimed, openedMs } from "./order.js";

/** @typedef {import("console-api").Alert} Alert */
/** @typedef {{ id: string, area: string | null, kind: string, count: number, oldestMs: number, open: boolean }} Fold */
/** A row of the list: an alert (`member`: shown below its open fold), or a fold.
 * @typedef {{ id: string, alert: Alert, member: boolean, fold: null } | { id: string, alert: null, fold: Fold }} Row */

/** Raised by the centre about a device, not by a person (alerts/model.py, TECHNICAL). */
const TECHNICAL = new Set(["offline", "battery"]);
const PREFIX = "fold:";

/** Nobody pressed, nobody is feared for, and nobody has it in hand. @param {Alert} alert */
export function isFoldable(alert) {
  return TECHNICAL.has(alert.kind) && alert.press_count === 0 && alert.silent === false && isUnclaimed(alert);
}

/** @param {Alert} alert */
export const foldIdOf = (alert) => `${PREFIX}${encodeURIComponent(alert.area_id ?? "")}:${alert.kind}`;

/** @param {string | null} id of a row */
export const isFoldId = (id) => id?.startsWith(PREFIX) ?? false;

/** The row in hand as it stood, unless a press has joined it since: then it takes a person's place in the list at once.
 * @param {Alert | null} inHand @param {Alert | undefined} now */
export const stood = (inHand, now) => (inHand && isFoldable(inHand) && now && now.press_count > 0 ? null : inHand);

/** @param {Alert[]} members @param {Set<string>} opened @returns {Fold} */
function foldOf(members, opened) {
  const first = /** @type {Alert} */ (members[0]);
  const id = foldIdOf(first);
  const oldestMs = members.reduce((oldest, alert) => Math.min(oldest, openedMs(alert)), Infinity);
  return { id, area: first.area_id ?? null, kind: first.kind, count: members.length, oldestMs, open: opened.has(id) };
}

/** @param {Alert} alert @returns {Row} */
const rowOf = (alert, member = false) => ({ id: alert.id, alert, member, fold: null });

/** The rows of the list: what is not folded as it stands, and below all of it the folds, each with its members where
 * it is open. A row in hand stays a row as long as its fold is closed: nothing vanishes from under the pointer.
 * @param {Alert[]} alerts in their order
 * @param {{ on: boolean, opened: Set<string>, inHand: Set<string | null> }} how @returns {Row[]} */
export function foldedRows(alerts, { on, opened, inHand }) {
  if (!on) return alerts.map((alert) => rowOf(alert));
  /** @type {Row[]} */
  const rows = [];
  /** @type {Map<string, Alert[]>} */
  const folds = new Map();
  for (const alert of alerts) {
    const id = isFoldable(alert) ? foldIdOf(alert) : null;
    if (id === null || (inHand.has(alert.id) && !opened.has(id))) {
      rows.push(rowOf(alert));
      continue;
    }
    const members = folds.get(id);
    if (members) members.push(alert);
    else folds.set(id, [alert]);
  }
  for (const members of folds.values()) {
    const fold = foldOf(members, opened);
    rows.push({ id: fold.id, alert: null, fold });
    if (fold.open) rows.push(...members.map((alert) => rowOf(alert, true)));
  }
  return rows;
}
