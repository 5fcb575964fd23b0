// The WebSocket to the centre: connects, resumes after the last number, notices silence, starts again.
// Whether the list can be trusted is decided here, from messages alone.
import { signal } from "@preact/signals";

/** @typedef {import("console-api").LiveFrame} LiveFrame */
/** @typedef {{ phase: "connecting" | "live" | "reconnecting" | "lost", silentSeconds: number }} Link */

const SILENCE_MS = 6_000;
const WAITS_MS = [500, 1_000, 2_000, 3_500, 5_000];

/** @type {import("@preact/signals").Signal<Link>} */
export const link = signal({ phase: "connecting", silentSeconds: 0 });

/** @param {number | null} since */
function address(since) {
  const query = since === null ? "" : `?since=${since}`;
  return `${location.origin.replace(/^http/, "ws")}/api/v1/live${query}`;
}

/**
 * @param {{ since: () => number | null, take: (frame: LiveFrame) => void, welcomed: () => void,
 *   turnedAway: () => void }} room what to do with messages, with a fresh connection, with a refused one
 */
export function startLive(room) {
  /** @type {WebSocket | null} */
  let socket = null;
  let attempt = 0;
  let stopped = false;
  let connectedAt = 0;
  let heardAt = performance.now();
  let retry = 0;

  function connect() {
    const own = new WebSocket(address(room.since()));
    let welcome = false;
    socket = own;
    connectedAt = performance.now();
    own.onmessage = (event) => {
      if (own !== socket) return;
      heardAt = performance.now();
      const frame = /** @type {LiveFrame} */ (JSON.parse(event.data));
      room.take(frame);
      if (own !== socket || (frame.type !== "snapshot" && frame.type !== "resumed")) return;
      welcome = true;
      attempt = 0;
      link.value = { phase: "live", silentSeconds: 0 };
      room.welcomed();
    };
    own.onclose = () => {
      if (own !== socket) return;
      if (!welcome) room.turnedAway();
      again();
    };
  }

  function again() {
    const left = socket;
    socket = null;
    left?.close();
    if (stopped) return;
    if (link.value.phase === "live") link.value = { ...link.value, phase: "reconnecting" };
    const wait = WAITS_MS[Math.min(attempt, WAITS_MS.length - 1)] ?? 0;
    attempt += 1;
    clearTimeout(retry);
    // A little spread: after a restart of the centre all consoles come back at once.
    retry = setTimeout(connect, wait * (0.8 + 0.4 * Math.random()));
  }

  function watch() {
    const at = performance.now();
    const silent = at - heardAt;
    if (silent < SILENCE_MS) return;
    link.value = { phase: "lost", silentSeconds: Math.floor(silent / 1000) };
    // A connection that says nothing is as good as none; only a fresh one can prove the list again.
    if (socket && at - connectedAt >= SILENCE_MS) again();
  }

  const watching = setInterval(watch, 1000);
  const woken = () => {
    watch();
    if (!socket && !stopped) {
      clearTimeout(retry);
      connect();
    }
  };
  globalThis.addEventListener("online", woken);
  link.value = { phase: "connecting", silentSeconds: 0 };
  connect();

  return {
    /** @param {unknown} message */
    send(message) {
      if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
    },
    /** Drop this connection and ask again for what is missing. */
    startAgain: again,
    stop() {
      stopped = true;
      clearInterval(watching);
      clearTimeout(retry);
      globalThis.removeEventListener("online", woken);
      socket?.close();
      socket = null;
    },
  };
}
