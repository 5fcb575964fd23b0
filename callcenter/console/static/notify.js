// Alarms while the console is not in front: one notification of the system, replaced by each further alarm. Without names:
// it is seen on other screens, and outlives the privacy lock.
import { announced, titleWords } from "./drill.js";
import { t } from "./i18n.js";
import { atMost } from "./seldom.js";

/** @typedef {import("console-api").Alert} Alert */

let shown = /** @type {Notification | null} */ (null);
let newest = /** @type {Alert | null} */ (null);

/** By the click that arms the sound: browsers want one. */
export function askToNotify() {
  if ("Notification" in window && Notification.permission === "default") Notification.requestPermission();
}

const show = atMost(1_000, () => {
  if (newest === null) return;
  const options = { body: announced(newest, t("notify.body", { kind: t(`kind.${newest.kind}`) })), tag: "alarm", renotify: true };
  try {
    shown = new Notification(titleWords(), options);
  } catch {
    return; // some browsers know the word and refuse the thing; sound and title do not depend on it
  }
  shown.onclick = () => {
    window.focus();
    forgetNotified();
  };
});

/** @param {Alert} alert one that has just come */
export function notifyArrival(alert) {
  if (!document.hidden && document.hasFocus()) return;
  if (!("Notification" in window) || Notification.permission !== "granted") return;
  newest = alert;
  show();
}

/** Nothing waits any more. */
export function forgetNotified() {
  newest = null;
  shown?.close();
  shown = null;
}
