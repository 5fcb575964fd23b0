// What the centre says of the room with every snapshot and beat: flood mode, the test alarm, gaps.
import { forgetFlood, hearFlood } from "./flood.js";
import { forgetGaps, hearGaps } from "./gaps.js";
import { forgetTestAlarm, hearTestAlarm } from "./test_alarm.js";

/** @param {import("console-api").LiveSnapshot | import("console-api").LiveBeat | import("console-api").RoomState} said */
export function hearRoomState(said) {
  hearFlood(said);
  hearTestAlarm(said);
  hearGaps(said);
}

export function forgetRoomState() {
  forgetFlood();
  forgetTestAlarm();
  forgetGaps();
}
