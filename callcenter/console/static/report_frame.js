// The frame of the pages beside the alerts: bar, sign-in, and what to say when an answer is missing.
import { h } from "preact";
import { useEffect } from "preact/hooks";
import { Asking } from "./asking.js";
import { t } from "./i18n.js";
import { Kept } from "./kept.js";
import { LanguageChoice } from "./language_choice.js";
import { LockButton, LockPanel } from "./lock_panel.js";
import { html } from "./markup.js";
import { Places } from "./places.js";
import { locked, lockingSoon } from "./privacy.js";
import { session, sessionEnded, signOut } from "./session.js";
import { SignIn } from "./sign_in.js";

/** What to show instead of an answer.
 * @param {{ why: string, problem: { detail: string } | null }} answer */
export function troubleOf(answer) {
  if (answer.why === "signed_out") sessionEnded();
  return answer.why === "refused" && answer.problem ? answer.problem.detail : t("report.unreachable");
}

/** @param {{ here: string, title: string, children?: import("preact").ComponentChildren }} page */
function Frame({ here, title, children }) {
  return html`<div class="report">
    <header class="top-bar">
      <h1>${title}</h1>
      ${h(Places, { here })}
      <span class="spring"></span>
      <span aria-live="polite">${lockingSoon.value && t("lock.soon")}</span>
      ${h(LanguageChoice, {})}
      <span class="who">${session.value?.operator.name}</span>
      ${!locked.value && h(LockButton, {})}
    </header>
    <main class="report-body">
      ${locked.value && h(LockPanel, {})}
      ${h(Kept, { shown: !locked.value }, children)}
    </main>
  </div>`;
}

const FACTOR = "/second-factor";

/** What every page is until who is signed in has the second factor that their role demands. */
export function Limited() {
  return html`<main class="sign-in">
    <h1>${t("page.name")}</h1>
    <p role="alert">${t("factor.demanded")}</p>
    <a class="button primary" href=${FACTOR}>${t("factor.get")}</a>
    <button type="button" onClick=${() => signOut()}>${t("sign_out.button")}</button>
    ${h(LanguageChoice, {})}
  </main>`;
}

/** A page for who is signed in. `key` is its title in the catalogue.
 * @param {string} here @param {string} key @param {import("preact").FunctionComponent} Body */
export function reportPage(here, key, Body) {
  return function Page() {
    const title = t(key);
    useEffect(() => {
      document.title = title;
    }, [title]);
    if (session.value === undefined) return h(Asking, {});
    if (session.value === null) return h(SignIn, {});
    return session.value.limited && here !== FACTOR ? h(Limited, {}) : h(Frame, { here, title }, h(Body, {}));
  };
}
