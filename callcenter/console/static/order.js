// What follows from an alert alone: who must be served first, how late that is, which tone it has.
// Pure functions; nothing here reads a clock or draws.

/** @typedef {import("console-api").Alert} Alert */

const WARN_MS = 15_000;
const BREACH_MS = 60_000;

/** Kinds behind which a person may be in danger; only they have the answering target and the colour red. */
const EMERGENCIES = new Set(["sos", "fall", "fire", "gas", "ambulance", "help", "wander"]);

/** Tone families, most severe first, by the lowest priority number they end with. */
const FAMILIES = /** @type {const} */ ([["high", 6], ["medium", 8], ["low", 9]]);

/** A drill has a tone of its own: nobody may take it for an alarm, nor an alarm for it.
 * @typedef {(typeof FAMILIES)[number][0] | "drill"} Family */

/** @type {Record<Family, number>} */
const SEVERITY = { high: 0, medium: 1, low: 2, drill: 3 };

/** @param {Alert} alert */
export function isEmergency(alert) {
  return EMERGENCIES.has(alert.kind);
}

/** Nobody has it. An alert at 120 whose owner was lost counts too: it rings for everybody.
 * @param {Alert} alert */
export function isUnclaimed(alert) {
  if (alert.state === "waiting") return true;
  return alert.owner === null && (alert.state === "helping" || alert.state === "handed_over");
}

/** @param {Alert} alert @returns {Family} */
export function family(alert) {
  if (alert.drill) return "drill";
  return FAMILIES.find(([, last]) => alert.priority <= last)?.[0] ?? "low";
}

/** The most severe family of these alerts, or null when there is none.
 * @param {Iterable<Alert>} alerts @returns {Family | null} */
export function worstFamily(alerts) {
  let worst = /** @type {Family | null} */ (null);
  for (const alert of alerts) {
    const own = family(alert);
    if (worst === null || SEVERITY[own] < SEVERITY[worst]) worst = own;
    if (SEVERITY[worst] === 0) break; // this is asked with every message: in a flood it is thousands of alerts
  }
  return worst;
}

/** How its waiting compares with the target of 15 s and 60 s; null where no target applies.
 * @param {Alert} alert @param {number} age milliseconds */
export function lateness(alert, age) {
  if (!isUnclaimed(alert) || !isEmergency(alert)) return null;
  if (age >= BREACH_MS) return "breach";
  return age >= WARN_MS ? "warn" : "ok";
}

/** When it was opened, in milliseconds. @param {Alert} alert */
export function openedMs(alert) {
  return Date.parse(alert.waiting_since);
}

/** @param {Alert} alert */
function group(alert) {
  if (isUnclaimed(alert)) return 0;
  return alert.state === "resolved" || alert.state === "closed" ? 2 : 1;
}

/** @type {WeakMap<Alert, number>} */
const ranks = new WeakMap();

const BELOW = 100; // everything real

/** What is real, then unclaimed before taken, then priority, then age, in one number: the smaller, the more pressing.
 * Remembered, because sorting asks for it thousands of times a frame.
 * @param {Alert} alert */
function rank(alert) {
  const known = ranks.get(alert);
  if (known !== undefined) return known;
  // Milliseconds since 1970 have 13 digits until the year 2286.
  const reckoned = ((alert.drill ? BELOW : 0) + group(alert) * 10 + alert.priority) * 1e13 + openedMs(alert);
  ranks.set(alert, reckoned);
  return reckoned;
}

/** @param {Alert} a @param {Alert} b */
export function compare(a, b) {
  return rank(a) - rank(b) || (a.id < b.id ? -1 : 1);
}

/** The list as it is drawn: everything open, and closed ones only while somebody is looking at them.
 * The row in hand stands where it stood when it was taken in hand, whatever has become of it since.
 * @param {Iterable<Alert>} alerts @param {{ keep: Set<string | null>, inHand: Alert | null }} how */
export function ordered(alerts, { keep, inHand }) {
  /** @param {Alert} alert */
  const ranked = (alert) => (alert.id === inHand?.id ? inHand : alert);
  return [...alerts]
    .filter((alert) => alert.state !== "closed" || keep.has(alert.id))
    .sort((a, b) => compare(ranked(a), ranked(b)));
}

/** What a list row says beside the kind, most telling first: pairs of mark and whether it is set.
 * @param {Alert} alert @returns {string[]} */
export function marks(alert) {
  /** @type {[string, boolean][]} */
  const table = [
    ["drill", alert.drill],
    ["silent", alert.silent],
    ["degraded", alert.degraded],
    ["late", alert.late],
    ["possibly_old", alert.possibly_old],
    ["cancel_pressed", alert.cancel_pressed],
  ];
  return table.filter(([, set]) => set).map(([name]) => name);
}
