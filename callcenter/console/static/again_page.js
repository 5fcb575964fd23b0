// Where somebody arrives who has unlocked a console through the identity provider: it is in the other tab.
import { h } from "preact";
import { Asking } from "./asking.js";
import { provider, Refusal, refusal } from "./elsewhere.js";
import { t } from "./i18n.js";
import { LanguageChoice } from "./language_choice.js";
import { html } from "./markup.js";
import { locked } from "./privacy.js";
import { session } from "./session.js";

export function AgainPage() {
  if (session.value === undefined) return h(Asking, {});
  const proven = session.value && !locked.value && !refusal;
  return html`<main class="sign-in">
    <h1>${t("page.name")}</h1>
    <div role="alert">${h(Refusal, {})}</div>
    ${proven
      ? html`<p role="status" id="proven">${t("again.proven", { name: session.value?.operator.name })}</p>`
      : html`<a class="button" href="/sign-in/oidc?again">${t("elsewhere.button", { name: provider })}</a>`}
    <p><a href="/">${t("again.console")}</a></p>
    ${h(LanguageChoice, {})}
  </main>`;
}
