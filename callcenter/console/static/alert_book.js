// The one store of alerts, by id. Messages change it at once; drawing follows at most once a frame.
import { signal } from "@preact/signals";
import { isUnclaimed } from "./order.js";

/** @typedef {import("console-api").Alert} Alert */
/** @typedef {import("console-api").LiveEntry} LiveEntry */

/** @type {Map<string, Alert>} */
const book = new Map();
/** @type {Map<string, Alert>} */
const unclaimed = new Map();
let newestNumber = /** @type {number | null} */ (null);
let frameAsked = false;
let drawnAt = -Infinity;

/** In a flood the list is drawn four times a second: nobody reads faster, and the frames between belong to whoever
 * scrolls and types. What comes alone is drawn with the next frame. */
const REST_MS = 245; // the fifteenth frame of a display with 60 a second, whichever way its clock errs

/** Changes soon after something changed, within an animation frame: what draws the book reads it. */
export const revision = signal(0);

/** Ids that came, or came back, and have not been on the operator's screen yet. */
export const unseen = /** @type {Set<string>} */ (new Set());

function draw() {
  if (frameAsked) return;
  frameAsked = true;
  requestAnimationFrame(show);
}

/** @param {number} at */
function show(at) {
  if (at - drawnAt < REST_MS) {
    requestAnimationFrame(show);
    return;
  }
  drawnAt = at;
  frameAsked = false;
  revision.value += 1;
}

/** @param {Alert} alert */
function put(alert) {
  const before = book.get(alert.id);
  // The answer to our own command and the live feed both bring the alert; the older one must not win.
  if (before && before.version > alert.version) return;
  book.set(alert.id, alert);
  if (isUnclaimed(alert)) {
    unclaimed.set(alert.id, alert);
  } else {
    unclaimed.delete(alert.id);
    unseen.delete(alert.id);
  }
  draw();
}

export const newest = () => newestNumber;

/** @param {string | null} id */
export const alertOf = (id) => (id === null ? undefined : book.get(id));

export const allAlerts = () => book.values();

export const unclaimedAlerts = () => unclaimed.values();

/** What this operator is asked to take over, the oldest request first.
 * @param {string} operator @returns {Alert[]} */
export function askedOf(operator) {
  const asked = [...book.values()].filter((alert) => alert.transfer?.to.id === operator);
  return asked.sort((a, b) => String(a.transfer?.at).localeCompare(String(b.transfer?.at)));
}

export const unclaimedCount = () => unclaimed.size;

/** @param {string} operator */
export function ownedCount(operator) {
  let count = 0;
  for (const alert of book.values()) if (alert.owner?.id === operator && alert.state !== "closed") count += 1;
  return count;
}

/** What this operator has and nobody has closed, the most pressing first.
 * @param {string} operator @returns {Alert[]} */
export function ownedBy(operator) {
  const own = [...book.values()].filter((alert) => alert.owner?.id === operator && alert.state !== "closed");
  return own.sort((a, b) => a.priority - b.priority || a.waiting_since.localeCompare(b.waiting_since));
}

/** Full state: what is not in it is closed.
 * @param {import("console-api").LiveSnapshot} snapshot */
export function takeSnapshot(snapshot) {
  forgetAll();
  newestNumber = snapshot.n;
  for (const alert of snapshot.alerts) put(alert);
  draw();
}

/** The number of an entry tells whether it is news, a repeat, or proof that one was missed.
 * @param {number} n @returns {"next" | "repeat" | "gap"} */
export function place(n) {
  if (newestNumber === null || n === newestNumber + 1) return "next";
  return n <= newestNumber ? "repeat" : "gap";
}

/** Entries up to this number are not for this console, and these alerts no longer.
 * @param {import("console-api").LivePassed} passed */
export function takePassed({ n, gone }) {
  newestNumber = Math.max(newestNumber ?? 0, n);
  for (const id of gone) {
    book.delete(id);
    unclaimed.delete(id);
    unseen.delete(id);
  }
  if (gone.length > 0) draw();
}

/** @param {LiveEntry} entry @returns {{ arrived: boolean }} whether it joins the queue with this entry */
export function takeEntry(entry) {
  newestNumber = Math.max(newestNumber ?? 0, entry.n);
  const { alert } = entry;
  if (!alert) return { arrived: false };
  const waited = unclaimed.has(alert.id);
  put(alert);
  const arrived = !waited && unclaimed.has(alert.id);
  if (arrived) unseen.add(alert.id);
  return { arrived };
}

/** @param {Alert} alert as a command's answer brought it */
export function takeAlert(alert) {
  put(alert);
}

/** Closed alerts that nobody looks at leave the store.
 * @param {Set<string | null>} keep */
export function dropClosed(keep) {
  for (const alert of book.values()) {
    if (alert.state === "closed" && !keep.has(alert.id)) book.delete(alert.id);
  }
}

export function forgetAll() {
  book.clear();
  unclaimed.clear();
  unseen.clear();
  newestNumber = null;
  draw();
}
