// The alarm tones. A tone repeats inside the audio engine (a looping buffer), so it keeps ringing in
// a hidden tab, where the browser slows every timer down.
import { signal } from "@preact/signals";

/** @typedef {import("./order.js").Family} Family */
/** @typedef {{ everySeconds: number, pulseSeconds: number, hertz: readonly number[] }} Tone */

// Families lie more than 20 % apart in frequency and differ in rhythm, so they are told apart by ear.
/** @type {Record<Family, Tone>} */
export const TONES = {
  high: { everySeconds: 2.2, pulseSeconds: 0.17, hertz: [1000, 1250, 1000, 1250, 1000, 1250] },
  medium: { everySeconds: 4, pulseSeconds: 0.26, hertz: [700, 700] },
  low: { everySeconds: 10, pulseSeconds: 0.4, hertz: [480] },
  drill: { everySeconds: 6, pulseSeconds: 0.3, hertz: [330, 330, 330] },
};

const GAP_SECONDS = 0.04;
const EDGE_SECONDS = 0.012;
const LOUDNESS = 0.8;
const QUIET_MS = 60_000;
// A tone that is started anew faster than this would never get beyond its first click.
const ANEW_MS = 1_500;

/** Whether the browser lets us sound: only after a click, and never across a reload. */
export const armed = signal(false);
/** The family that rings now, for those who cannot hear it. */
export const ringing = signal(/** @type {Family | null} */ (null));
/** Whether the operator asked for a minute of quiet. */
export const quiet = signal(false);

let engine = /** @type {AudioContext | null} */ (null);
let loop = /** @type {AudioBufferSourceNode | null} */ (null);
let quietUntil = 0;
let startedAt = -Infinity;

/** @type {Map<Family, AudioBuffer>} */
const periods = new Map();

/** @param {number} at @param {number} length seconds */
function envelope(at, length) {
  return Math.min(1, at / EDGE_SECONDS, (length - at) / EDGE_SECONDS);
}

/** One period of a tone, reckoned once. @param {AudioContext} audio @param {Family} family */
function period(audio, family) {
  const known = periods.get(family);
  if (known) return known;
  const tone = TONES[family];
  const rate = audio.sampleRate;
  const buffer = audio.createBuffer(1, Math.ceil(tone.everySeconds * rate), rate);
  const samples = buffer.getChannelData(0);
  tone.hertz.forEach((hertz, index) => {
    const start = Math.round(index * (tone.pulseSeconds + GAP_SECONDS) * rate);
    for (let i = 0; i < tone.pulseSeconds * rate; i += 1) {
      const angle = (2 * Math.PI * hertz * i) / rate;
      const wave = 0.75 * Math.sin(angle) + 0.25 * Math.sin(2 * angle);
      samples[start + i] = LOUDNESS * wave * envelope(i / rate, tone.pulseSeconds);
    }
  });
  periods.set(family, buffer);
  return buffer;
}

/** @param {Family} family @param {boolean} forever */
function play(family, forever) {
  if (!engine || engine.state !== "running") return null;
  const source = engine.createBufferSource();
  source.buffer = period(engine, family);
  source.loop = forever;
  source.connect(engine.destination);
  source.start();
  return source;
}

function stopLoop() {
  loop?.stop();
  loop = null;
  ringing.value = null;
}

/** Called by a click: the tone itself proves to the operator that it can be heard.
 * @returns {Promise<boolean>} */
export async function armSound() {
  engine ??= new AudioContext();
  engine.onstatechange = () => {
    armed.value = engine?.state === "running";
  };
  await engine.resume();
  armed.value = engine.state === "running";
  if (armed.value && !ringing.value) play("high", false);
  return armed.value;
}

/** What should ring now; `anew` starts the tone again, so that a further press is heard as one.
 * @param {Family | null} family @param {{ anew: boolean }} how */
export function soundFor(family, { anew }) {
  if (anew) quietUntil = 0;
  quiet.value = performance.now() < quietUntil;
  const wanted = armed.value && !quiet.value ? family : null;
  const again = anew && performance.now() - startedAt > ANEW_MS;
  if (wanted === ringing.value && !again) return;
  stopLoop();
  if (!wanted) return;
  startedAt = performance.now();
  loop = play(wanted, true);
  ringing.value = loop ? wanted : null;
}

/** One period of a tone, for what must be heard although nothing is waiting.
 * @param {Family} family */
export function soundOnce(family) {
  if (armed.value && !ringing.value) play(family, false);
}

/** A minute without sound. Not an acknowledgement: what is waiting rings again afterwards, and
 * every new alarm ends the quiet at once. */
export function beQuiet() {
  quietUntil = performance.now() + QUIET_MS;
  quiet.value = true;
  stopLoop();
}
