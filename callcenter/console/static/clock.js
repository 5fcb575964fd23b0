// The centre's time as far as this page knows it. Ages are counted against the server's clock,
// because the clocks of duty-room computers are often wrong.
import { signal } from "@preact/signals";

let ahead = 0;

/** Milliseconds, refreshed every second while the page is shown. */
export const now = signal(Date.now());

function tick() {
  now.value = Date.now() + ahead;
}

/** @param {string} iso the `at` of a message that has just arrived */
export function hearServerTime(iso) {
  const at = Date.parse(iso);
  if (Number.isNaN(at)) return;
  ahead = at - Date.now();
}

export function startClock() {
  tick();
  setInterval(tick, 1000);
}
