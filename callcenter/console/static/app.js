// The page: sign-in, or the room with banners, list and the open alert.
import { h } from "preact";
import { useEffect } from "preact/hooks";
import { AlertList } from "./alert_list.js";
import { AlertView } from "./alert_view.js";
import { Asking } from "./asking.js";
import { Banners, NoticeLine } from "./banners.js";
import { Kept } from "./kept.js";
import { KeysDialog } from "./keys_dialog.js";
import { leaving } from "./leaving.js";
import { LeavingPanel } from "./leaving_panel.js";
import { LockPanel } from "./lock_panel.js";
import { html } from "./markup.js";
import { refreshOperators } from "./operators.js";
import { locked } from "./privacy.js";
import { Limited } from "./report_frame.js";
import { session } from "./session.js";
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
    <main class="floor">
      ${h(AlertList, {})}
      ${locked.value && h(LockPanel, {})}
      ${leaving.value && !locked.value && h(LeavingPanel, {})}
      ${h(Kept, { shown: !locked.value && !leaving.value }, h(AlertView, {}))}
    </main>
    ${h(NoticeLine, {})}
    ${h(Kept, { shown: !locked.value }, h(KeysDialog, {}))}
  </div>`;
}

export function App() {
  if (session.value === undefined) return h(Asking, {});
  if (session.value === null) return h(SignIn, {});
  return session.value.limited ? h(Limited, {}) : h(Room, {});
}
