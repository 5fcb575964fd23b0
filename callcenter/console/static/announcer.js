// The one live region that tells of new alarms. A flood is counted instead of read out: a screen
// reader that is three sentences behind is worse than a number.
import { announced } from "./drill.js";
import { t } from "./i18n.js";
import { attendedCount } from "./flood.js";
import { locked } from "./privacy.js";
import { atMost } from "./seldom.js";

/** @typedef {import("console-api").Alert} Alert */

const WINDOW_MS = 10_000;
const SPOKEN_AT_MOST = 3;

/** @type {number[]} */
let recent = [];

/** @param {Alert} alert */
function sentence(alert) {
  const kind = t(`kind.${alert.kind}`);
  if (locked.value) return t("announce.locked", { kind });
  return t("announce.alert", {
    kind,
    name: alert.resident_name || t("mark.unidentified"),
    place: alert.place || t("place.unknown", { device: alert.device_id }),
  });
}

/** @param {string} text */
function say(text) {
  const region = document.getElementById("announcer");
  if (region) region.textContent = text;
}

/** How many, at most once a second: a number that changes with every alert is never read to its end. */
const count = atMost(1_000, () => {
  const at = performance.now();
  recent = recent.filter((one) => at - one < WINDOW_MS);
  say(t("announce.flood", { recent: recent.length, waiting: attendedCount() }));
});

/** @param {Alert} alert */
export function announceArrival(alert) {
  const at = performance.now();
  recent = [...recent.filter((one) => at - one < WINDOW_MS), at];
  if (recent.length <= SPOKEN_AT_MOST) say(announced(alert, sentence(alert)));
  else count();
}

/** In the place of the last sentence, which has named somebody. */
export const announceLock = () => say(t("lock.announced"));

/** @param {number} count how many wait when the list is first shown */
export function announceWaiting(count) {
  if (count > 0) say(t("announce.waiting", { count }));
}
