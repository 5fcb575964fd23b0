// How every page starts: words first, then the page, then the question who is signed in.
import { h, render } from "preact";
import { startClock } from "./clock.js";
import { loadCatalogues } from "./i18n.js";
import { watchPrivacy } from "./privacy.js";
import { askWhoIsSignedIn, session, unreachable } from "./session.js";

const ASK_AGAIN_MS = 3_000;

async function askUntilAnswered() {
  await askWhoIsSignedIn();
  if (session.value === undefined && unreachable.value) setTimeout(askUntilAnswered, ASK_AGAIN_MS);
}

/** @param {import("preact").FunctionComponent} page @param {() => void} [beforeIt] */
export async function start(page, beforeIt = () => {}) {
  await loadCatalogues();
  startClock();
  watchPrivacy();
  beforeIt();
  const place = /** @type {HTMLElement} */ (document.getElementById("app"));
  place.replaceChildren();
  render(h(page, {}), place);
  await askUntilAnswered();
}
