// What is shown until it is known who is signed in.
import { t } from "./i18n.js";
import { html } from "./markup.js";
import { askWhoIsSignedIn, unreachable } from "./session.js";

export function Asking() {
  return html`<main class="asking">
    <p role="status">${t(unreachable.value ? "page.unreachable" : "page.asking")}</p>
    ${unreachable.value && html`<button type="button" onClick=${askWhoIsSignedIn}>${t("view.retry")}</button>`}
  </main>`;
}
