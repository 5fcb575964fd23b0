// The message handler: each message changes the book, then title, sound and announcement, at once.
// Drawing follows by itself; nothing an alarm depends on waits for a frame.
import { effect, signal, untracked } from "@preact/signals";
import * as book from "./alert_book.js";
import { announceArrival, announceLock, announceWaiting } from "./announcer.js";
import { letSleep, stayAwake } from "./awake.js";
import { hearServerTime } from "./clock.js";
import { pending } from "./commands.js";
import { hearWork, startLooking, stopLooking } from "./desk_work.js";
import { detail, hearEntry, leaveAlert, openedId, refreshDetail } from "./detail.js";
import { forgetDrafts } from "./drafts.js";
import { titleWords } from "./drill.js";
import { attended, attendedCount, isFolded } from "./flood.js";
import { language } from "./i18n.js";
import { forgetIdle, hearLimit, newlyIdle } from "./idle_claims.js";
import { forgetNumbers } from "./leg_commands.js";
import { forgetLeaving, hearAnswer } from "./leaving.js";
import { speaks } from "./legs.js";
import { link, startLive } from "./live.js";
import { askToBeActive, forgetConsole, hearConsole, introducePage, passive, startOneConsole } from "./one_console.js";
import { family, isUnclaimed, worstFamily } from "./order.js";
import { dismissNotice } from "./notice.js";
import { askToNotify, forgetNotified, notifyArrival } from "./notify.js";
import { locked, used } from "./privacy.js";
import { forgetRoomState, hearRoomState } from "./room_state.js";
import { forgetSeat, hearSeat, loadSeat } from "./seat.js";
import { atMost } from "./seldom.js";
import { checkSession, may, session } from "./session.js";
import { armed, armSound, beQuiet, soundFor, soundOnce } from "./sound.js";
import { concernsMe, tellHandingOver, tellLeft, tellUndone } from "./tellings.js";
import { forgetPositions, hearPositions } from "./way_panel.js";

/** @typedef {import("console-api").LiveFrame} LiveFrame */

/** What the centre says of itself; believed until it says otherwise. */
const WELL = { storing: true, hearing: true, calling: true };
export const health = signal(WELL);

let live = /** @type {ReturnType<typeof startLive> | null} */ (null);
let welcomedBefore = false;
let gapAt = -1;
let lastOperator = "";

/** In the message handler, but a few times a second at most: the browser tells its window of each new title. */
const showTitle = atMost(250, () => {
  document.title = titleWords();
  if (attendedCount() === 0) forgetNotified();
});

/** @param {{ anew: boolean }} how */
function attend(how = { anew: false }) {
  showTitle();
  soundFor(passive.value ? null : worstFamily(attended()), how);
}

/** @param {import("./order.js").Family} family */
function ringOnce(family) {
  if (!passive.value) soundOnce(family);
}

/** @param {import("console-api").LiveEntry} entry */
function takeEntry(entry) {
  const where = book.place(entry.n);
  if (where === "repeat") return;
  // A missing number means a missed entry: ask for it. The same gap twice is the centre's own
  // numbering, and asking a third time would only cut us off from what follows.
  if (where === "gap" && gapAt !== entry.n) {
    gapAt = entry.n;
    live?.startAgain();
    return;
  }
  const wasFolded = isFolded(book.alertOf(entry.alert_id));
  const joined = book.takeEntry(entry).arrived;
  hearSeat(entry);
  hearWork(entry);
  const { alert } = entry;
  if (!alert) return;
  const rings = isUnclaimed(alert) && !isFolded(alert);
  // A press has joined what was folded: to the operator it comes only now.
  if (wasFolded && rings) book.unseen.add(alert.id);
  const arrived = rings && (joined || wasFolded);
  if (arrived && !passive.value) announceArrival(alert);
  attend({ anew: rings && (arrived || entry.ring) });
  if (entry.ring && !isUnclaimed(alert) && concernsMe(entry, alert)) ringOnce(family(alert));
  if (arrived && !passive.value) notifyArrival(alert);
  tellUndone(entry);
  tellHandingOver(entry);
  tellLeft(entry);
  hearAnswer(entry);
  if (alert.id === openedId.value) {
    if (!pending.value[alert.id]) hearEntry(entry); // what we did ourselves is shown when it is answered
    refreshDetail();
  }
}

/** @param {import("console-api").LiveSnapshot} snapshot */
function takeSnapshot(snapshot) {
  const before = attendedCount();
  hearServerTime(snapshot.at);
  hearRoomState(snapshot);
  book.takeSnapshot(snapshot);
  const waiting = attendedCount();
  if (waiting > before && !passive.value) announceWaiting(waiting);
  attend({ anew: waiting > before });
  refreshDetail();
}

/** @param {import("console-api").LiveBeat} beat */
function takeBeat(beat) {
  hearServerTime(beat.at);
  hearRoomState(beat);
  const before = health.value;
  const now = { storing: beat.storing, hearing: beat.hearing, calling: beat.calling !== false };
  const worse = (before.storing && !now.storing) || (before.hearing && !now.hearing) || (before.calling && !now.calling);
  if (before.storing !== now.storing || before.hearing !== now.hearing || before.calling !== now.calling) {
    health.value = now;
  }
  if (worse) ringOnce("medium");
  // Whoever is on the telephone for the open alert touches nothing, and needs the card.
  const talks = speaks(detail.value?.data?.timeline ?? [], session.value?.operator.id ?? "");
  if (talks) used();
  hearLimit(beat);
  if (!talks && newlyIdle(book.allAlerts(), Date.parse(beat.at)).length > 0) ringOnce("medium");
  attend();
}

/** @param {import("console-api").LivePassed} passed */
function takePassed(passed) {
  book.takePassed(passed);
  if (passed.gone.includes(openedId.value ?? "")) refreshDetail(); // which finds that it is not theirs any more
}

/** @param {LiveFrame} frame */
function take(frame) {
  if (frame.type === "entry") takeEntry(frame);
  else if (frame.type === "beat") takeBeat(frame);
  else if (frame.type === "snapshot") takeSnapshot(frame);
  else if (frame.type === "passed") takePassed(frame);
  else if (frame.type === "positions") hearPositions(frame);
  else if (frame.type === "console") hearConsole(frame);
  else attend();
}

function tellSound() {
  live?.send({ type: "sound", armed: armed.value && !passive.value });
}

function welcomed() {
  forgetPositions();
  introducePage();
  tellSound();
  if (welcomedBefore) {
    checkSession(); // the connection of who has signed in anew ends with their old session
    refreshDetail();
  }
  welcomedBefore = true;
}

function enter() {
  const operator = session.value?.operator.id ?? "";
  // Whoever signs in again finds the drafts as they were; somebody else must not.
  if (operator !== lastOperator) forgetDrafts();
  lastOperator = operator;
  welcomedBefore = false;
  if (may("work_calls")) loadSeat();
  if (may("see_calls")) startLooking();
  stayAwake();
  live = startLive({ since: book.newest, take, welcomed, turnedAway: checkSession });
}

function leave() {
  live?.stop();
  live = null;
  letSleep();
  forgetConsole();
  leaveAlert();
  forgetPositions();
  forgetRoomState();
  forgetSeat();
  stopLooking();
  forgetNumbers();
  forgetLeaving();
  forgetIdle();
  dismissNotice();
  book.forgetAll();
  health.value = WELL;
  attend();
}

export async function armRoomSound() {
  askToNotify();
  await armSound();
  attend();
}

export function quietForAMinute() {
  beQuiet();
  // Beats end the quiet in time; this is for the case that none come any more.
  setTimeout(attend, 61_000);
}

/** The click that asks for it is one by which sound may begin. */
export async function takeOverHere() {
  askToBeActive();
  if (!armed.value) await armRoomSound();
}

/** This console has become the active one, or another has. Sound begins by itself where the browser lets it: somebody
 * has clicked here before. */
function handedOver() {
  tellSound();
  attend();
  if (session.value && !passive.value && !armed.value && navigator.userActivation?.hasBeenActive) armRoomSound();
}

/** The room is open exactly while somebody is signed in who may hear it. */
export function startRoom() {
  let inside = false;
  let wasPassive = false;
  startOneConsole((message) => live?.send(message));
  effect(() => {
    const wanted = Boolean(session.value && !session.value.limited);
    if (wanted === inside) return;
    inside = wanted;
    untracked(wanted ? enter : leave);
  });
  effect(() => {
    if (passive.value === wasPassive) return;
    wasPassive = passive.value;
    untracked(handedOver);
  });
  effect(() => {
    armed.value;
    untracked(tellSound);
  });
  effect(() => {
    if (link.value.phase === "lost" && link.value.silentSeconds <= 7) untracked(() => ringOnce("medium"));
  });
  effect(() => {
    if (locked.value) untracked(announceLock);
  });
  effect(() => {
    language.value;
    showTitle();
  });
}
