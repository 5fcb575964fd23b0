// The room as the centre says it, asked again every two seconds, and how old that is. The wall and the supervisor's room
// do not listen to the live feed: that carries names, and these show figures.
import { signal } from "@preact/signals";
import { hearServerTime, now } from "./clock.js";
import { hearRoomState } from "./room_state.js";
import { sessionEnded } from "./session.js";

/** @typedef {import("console-api").RoomState} RoomState */

const LOOK_MS = 2_000;
const OLD_MS = 6_000; // as the list of a console

/** When the last answer came, on a clock that nobody sets. */
const heardAt = signal(-Infinity);

/** How long nothing was heard, in seconds; 0 while the figures are fresh. */
export function silentSeconds() {
  now.value; // drawn anew every second
  const silent = performance.now() - heardAt.value;
  return silent < OLD_MS ? 0 : Math.floor(Math.min(silent, performance.now()) / 1000);
}

/** Ask, and ask again, until the page lets go.
 * @template {RoomState} T
 * @param {() => Promise<import("./api.js").Answer<T>>} ask @param {(state: T) => void} take
 * @returns {() => void} to end it */
export function keepLooking(ask, take) {
  let stopped = false;
  async function look() {
    const answer = await ask();
    if (stopped) return;
    if (answer.ok) {
      heardAt.value = performance.now();
      hearServerTime(answer.body.at);
      hearRoomState(answer.body);
      take(answer.body);
    } else if (answer.why === "signed_out") {
      sessionEnded();
    }
    setTimeout(look, LOOK_MS);
  }
  look();
  return () => {
    stopped = true;
  };
}
