// The page of somebody who was asked to go. Without this script its forms work as they are; with it a press
// waits for the network and is sent again by itself, the page keeps up, and the way is shared until they are there.

const AGAIN_MS = 4_000;
const LOOK_MS = 15_000;
const SHARE_MS = 10_000;
const TIMEOUT_MS = 12_000;
const OLD_MS = 120_000;
const OF_NOW = ["yes", "on_my_way"]; // whoever says so goes now, and not when the network comes back

/** @typedef {{ press: string, button: string, label: string, at: number }} Press */

const here = location.pathname;
const told = /** @type {HTMLElement} */ (document.getElementById("told"));
const storeKey = `presses ${here}`;

/** Kept over a reload: somebody who walks through a dead spot may close the page. @returns {Press[]} */
function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(storeKey) ?? "[]");
  } catch {
    return [];
  }
}

let queue = kept();
let sending = false;
/** @type {GeolocationPosition | null} */
let last = null;
/** @type {number | null} */
let watching = null;
let sharedAt = -Infinity;
let later = 0;

function keep() {
  try {
    sessionStorage.setItem(storeKey, JSON.stringify(queue));
  } catch {
    // A browser that keeps nothing still sends what it has while the page is open.
  }
  const first = queue[0];
  told.textContent = first ? (told.dataset.waiting ?? "").replace("{what}", first.label) : "";
}

function main() {
  return /** @type {HTMLElement} */ (document.querySelector("main"));
}

/** Where the telephone is, as the centre takes it. @param {GeolocationPosition} one */
function place(one) {
  const age = Math.max(0, Math.min(3600, (Date.now() - one.timestamp) / 1000));
  return { lat: one.coords.latitude, lon: one.coords.longitude, acc: one.coords.accuracy, age };
}

/** Put what the centre answered in the place of what is shown. @param {string} html */
function draw(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html").querySelector("main");
  if (!fresh) return;
  fresh.querySelector(".refused")?.remove(); // said where it stays (told)
  const focused = document.activeElement instanceof HTMLButtonElement ? document.activeElement.value : "";
  main().replaceWith(fresh);
  /** @type {HTMLElement | null} */
  const again = focused ? fresh.querySelector(`button[value="${focused}"]`) : null;
  again?.focus();
  share();
}

/** Whether the centre took it; what it says is drawn in any case. @param {RequestInit} [how] */
async function ask(how) {
  const answer = await fetch(`${here}${location.search}`, { ...how, signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (answer.status >= 500) throw new Error("not stored");
  draw(await answer.text());
  return answer.ok;
}

/** A press of long ago is no word of now: the page asks again. @param {Press} old */
function forget(old) {
  queue = queue.filter((one) => one !== old);
  keep();
  told.textContent = (told.dataset.old ?? "").replace("{what}", old.label);
  document.querySelector(`button[value="${old.button}"]`)?.removeAttribute("aria-busy");
  ask().catch(() => {}); // they may have been heard, only the answer was lost
}

async function send() {
  const first = queue[0];
  if (sending || !first) return;
  if (OF_NOW.includes(first.button) && Date.now() - first.at > OLD_MS) {
    forget(first);
    setTimeout(send, AGAIN_MS);
    return;
  }
  sending = true;
  try {
    const form = new URLSearchParams({ do: first.button, press: first.press });
    if (last) for (const [name, value] of Object.entries(place(last))) form.set(name, String(value));
    const taken = await ask({ method: "POST", body: form });
    queue = queue.slice(1);
    keep();
    if (!taken) told.textContent = told.dataset.refused ?? "";
    else if (!queue.length) told.textContent = told.dataset.sent ?? "";
  } catch {
    keep(); // says that it waits
    setTimeout(send, AGAIN_MS);
    return;
  } finally {
    sending = false;
  }
  send();
}

document.addEventListener("submit", (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  const button = /** @type {HTMLButtonElement | null} */ (event.submitter);
  const press = /** @type {HTMLInputElement | null} */ (form.querySelector("[name=press]"))?.value;
  if (!button || !press) return;
  event.preventDefault();
  if (queue.some((one) => one.press === press)) return;
  button.setAttribute("aria-busy", "true");
  queue = [...queue, { press, button: button.value, label: button.textContent ?? "", at: Date.now() }];
  try {
    sessionStorage.setItem(storeKey, JSON.stringify(queue));
  } catch {
    // see keep()
  }
  send();
});

/** Not too often; what is too soon is told in its turn, also if the telephone says nothing more. */
async function tell() {
  clearTimeout(later);
  if (!last) return;
  const early = SHARE_MS - (performance.now() - sharedAt);
  if (early > 0) {
    later = setTimeout(tell, early);
    return;
  }
  sharedAt = performance.now();
  try {
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(`${here}/position`, { method: "POST", headers, body: JSON.stringify(place(last)) });
    if (answer.status >= 400 && answer.status < 500) stop();
  } catch {
    sharedAt = -Infinity; // the next one will do
  }
}

function stop() {
  if (watching !== null) navigator.geolocation.clearWatch(watching);
  watching = null;
  last = null;
}

/** Only between saying yes and being there, and only if the person lets the browser. */
function share() {
  const wanted = "shares" in main().dataset;
  if (!wanted) {
    stop();
    return;
  }
  const note = /** @type {HTMLElement | null} */ (document.querySelector(".sharing"));
  const off = () => {
    if (note) note.textContent = note.dataset.off ?? "";
  };
  if (!("geolocation" in navigator)) {
    off();
    return;
  }
  if (watching !== null) return;
  const options = { enableHighAccuracy: true, maximumAge: 5_000 };
  watching = navigator.geolocation.watchPosition((one) => {
    last = one;
    tell();
  }, off, options);
}

async function look() {
  if (document.visibilityState === "visible" && !sending && queue.length === 0 && !document.querySelector(".code")) {
    await ask().catch(() => {});
  }
}

globalThis.addEventListener("online", () => send());
document.addEventListener("visibilitychange", () => look());
setInterval(look, LOOK_MS);
keep();
send();
share();
