// The privacy lock: after some minutes without key or pointer, what is about people leaves every page of this browser
// until the operator proves to be there, by their password or at the identity provider. Nobody is signed out, and alarms
// ring on. Lock and last use are kept in localStorage, not sessionStorage: a new tab would show what the others hide.
import { computed, effect, signal } from "@preact/signals";
import { unlock as askToUnlock } from "./api.js";
import { cameBack } from "./elsewhere.js";
import { wishFocus } from "./focus.js";
import { checkSession, session, sessionEnded } from "./session.js";

const LOCKED = "console.locked";
const USED_AT = "console.used_at";
const MINUTES = "console.lock_minutes";
const USUAL_MINUTES = 5;
const WARNED_MS = 30_000;
const WRITTEN_MS = 1_000;
const SIGNS_OF_LIFE = ["pointerdown", "pointermove", "keydown", "wheel"];

/** What an operator can choose. There is no "never": somebody always forgets. */
export const LOCK_MINUTES = [2, 5, 10, 15, 30];

/** A lock is of the sign-in under which it was set: whoever has signed in since has proved who they are. */
const signInOf = () => session.value ? `${session.value.operator.id} ${session.value.since}` : null;

const marked = signal(localStorage.getItem(LOCKED));
export const lockMinutes = signal(chosenMinutes());
export const lockingSoon = signal(false);

/** Whoever is not signed in sees nothing anyway; the lock outlasts a sign-out, so that ending it opens no other page. */
export const locked = computed(() => marked.value !== null && marked.value === signInOf());

/** The element with which whoever is signed in opens it again. */
export const unlocksWith = () => session.value?.local === false ? "unlock-elsewhere" : "unlock-password";

let writtenAt = 0;

function chosenMinutes() {
  const chosen = Number(localStorage.getItem(MINUTES));
  return LOCK_MINUTES.includes(chosen) ? chosen : USUAL_MINUTES;
}

/** @param {number} minutes */
export function setLockMinutes(minutes) {
  localStorage.setItem(MINUTES, String(minutes));
  lockMinutes.value = chosenMinutes();
}

/** Somebody is there. */
export function used() {
  const at = Date.now();
  if (locked.value || Math.abs(at - writtenAt) < WRITTEN_MS) return;
  writtenAt = at;
  localStorage.setItem(USED_AT, String(at));
  lockingSoon.value = false;
}

export function lock() {
  const own = signInOf();
  if (own === null) return;
  localStorage.setItem(LOCKED, own);
  marked.value = own;
}

function release() {
  writtenAt = 0;
  localStorage.setItem(USED_AT, String(Date.now()));
  localStorage.removeItem(LOCKED);
  marked.value = null;
}

/** @type {Record<string, string>} */
const TROUBLES = { signed_out: "lock.wrong", unreachable: "lock.unreachable", unavailable: "lock.unreachable" };

/** @param {string} password @returns {Promise<string | null>} the catalogue key of what went wrong */
export async function unlock(password) {
  const answer = await askToUnlock(password);
  if (answer.ok) release();
  else if (answer.problem?.code === "signed_out") sessionEnded();
  else return TROUBLES[answer.why] ?? "sign_in.refused";
  return null;
}

/** Asked again and again, of the wall's clock: it goes on while the computer sleeps. A clock that was put back locks. */
function look() {
  const found = localStorage.getItem(LOCKED); // another page may have locked, or unlocked
  if (found === null || !locked.value) marked.value = found; // that of another sign-in opens nothing here
  const idle = Math.abs(Date.now() - Number(localStorage.getItem(USED_AT)));
  const limit = lockMinutes.value * 60_000;
  const open = Boolean(session.value) && !locked.value;
  if (open && idle >= limit) lock();
  lockingSoon.value = open && idle >= limit - WARNED_MS && idle < limit;
}

/** The focus waits where it was: whoever comes back goes on there. */
function keepFocus() {
  let was = false;
  let left = /** @type {Element | null} */ (null);
  effect(() => {
    const is = locked.value;
    if (is === was) return;
    was = is;
    if (is) {
      left = document.activeElement;
      wishFocus(unlocksWith());
    } else {
      requestAnimationFrame(() => {
        if (left instanceof HTMLElement && left.isConnected && left !== document.body) left.focus();
        else wishFocus("alert-list");
      });
    }
  });
}

export function watchPrivacy() {
  if (localStorage.getItem(USED_AT) === null || cameBack) used();
  for (const sign of SIGNS_OF_LIFE) addEventListener(sign, used, { capture: true, passive: true });
  addEventListener("storage", () => {
    lockMinutes.value = chosenMinutes();
    if (locked.value) checkSession(); // somebody has signed in anew in another tab?
    look();
  });
  document.addEventListener("visibilitychange", look); // a hidden page looks seldom
  addEventListener("pageshow", look); // brought back by "go back", it has heard nothing
  setInterval(look, 1_000);
  keepFocus();
  let before = session.value;
  effect(() => {
    // Nobody becomes somebody by a password alone, and that is what the lock asks for.
    if (before === null && session.value) release();
    before = session.value;
  });
}
