// Start: words first, then the page, then the question who is signed in.
import { h, render } from "preact";
import { App } from "./app.js";
import { startClock } from "./clock.js";
import { loadCatalogues } from "./i18n.js";
import { onKey } from "./keys.js";
import { startRoom } from "./room.js";
import { askWhoIsSignedIn, session, unreachable } from "./session.js";

const ASK_AGAIN_MS = 3_000;

async function askUntilAnswered() {
  await askWhoIsSignedIn();
  if (session.value === undefined && unreachable.value) setTimeout(askUntilAnswered, ASK_AGAIN_MS);
}

await loadCatalogues();
startClock();
startRoom();
const place = /** @type {HTMLElement} */ (document.getElementById("app"));
place.replaceChildren();
render(h(App, {}), place);
document.addEventListener("keydown", onKey);
await askUntilAnswered();
