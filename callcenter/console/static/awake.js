// The screen of a console on duty does not go dark. A browser takes the lock back whenever the page is hidden.
let wanted = false;
let lock = /** @type {WakeLockSentinel | null} */ (null);

async function hold() {
  if (!wanted || document.hidden || !("wakeLock" in navigator)) return;
  try {
    lock = await navigator.wakeLock.request("screen");
  } catch {
    // An empty battery, or a plain HTTP address: the computer's own settings decide.
  }
}

export function stayAwake() {
  wanted = true;
  hold();
}

export function letSleep() {
  wanted = false;
  lock?.release();
  lock = null;
}

document.addEventListener("visibilitychange", hold);
