// The page: sign-in, or the room with banners, list and the open alert.
import { h } from "preact";
import { useEffect } from "preact/hooks";
import { AlertList } from "./alert_list.js";
import { AlertView } from "./alert_view.js";
import { Banners, NoticeLine } from "./banners.js";
import { t } from "./i18n.js";
import { KeysDialog } from "./keys_dialog.js";
import { html } from "./markup.js";
import { refreshOperators } from "./operators.js";
import { askWhoIsSignedIn, session, unreachable } from "./session.js";
import { SignIn } from "./sign_in.js";
import { TopBar } from "./top_bar.js";

function Room() {
  useEffect(() => {
    refreshOperators();
    // The first duty of a shift is to be able to hear.
    document.getElementById("arm-sound")?.focus();
  }, []);
  return html`<div class="room">
    ${h(TopBar, {})}
    ${h(Banners, {})}
    <main class="floor">${h(AlertList, {})}${h(AlertView, {})}</main>
    ${h(NoticeLine, {})}
    ${h(KeysDialog, {})}
  </div>`;
}

function Asking() {
  return html`<main class="asking">
    <p role="status">${t(unreachable.value ? "page.unreachable" : "page.asking")}</p>
    ${unreachable.value && html`<button type="button" onClick=${askWhoIsSignedIn}>${t("view.retry")}</button>`}
  </main>`;
}

export function App() {
  if (session.value === undefined) return h(Asking, {});
  return session.value === null ? h(SignIn, {}) : h(Room, {});
}
