// What a beat, a snapshot and the room say of the centre as a whole, besides whether it is well.
import { hearDrill } from "./drill.js";
import { forgetFlood, hearFlood } from "./flood.js";
import { forgetGaps, hearGaps } from "./gaps.js";
import { forgetTestAlarm, hearTestAlarm } from "./test_alarm.js";

/** @typedef {Parameters<typeof hearFlood>[0] & Parameters<typeof hearTestAlarm>[0] & Parameters<typeof hearDrill>[0] & Parameters<typeof hearGaps>[0]} Said */

/** @param {Said} said */
export function hearRoomState(said) {
  hearFlood(said);
  hearTestAlarm(said);
  hearDrill(said);
  hearGaps(said);
}

export function forgetRoomState() {
  forgetFlood();
  forgetTestAlarm();
  hearDrill({});
  forgetGaps();
}
