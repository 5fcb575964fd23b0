// The sign-in form: pasting allowed, password managers welcome, nothing to remember or to re-type.
import { signal } from "@preact/signals";
import { h } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Elsewhere, Refusal } from "./elsewhere.js";
import { t } from "./i18n.js";
import { LanguageChoice } from "./language_choice.js";
import { html } from "./markup.js";
import { endedUnasked, signIn } from "./session.js";

const username = signal("");
const password = signal("");
const code = signal("");
/** The password is right and the second factor is asked for. */
const codeAsked = signal(false);
const trouble = signal(/** @type {string | null} */ (null));
const asking = signal(false);

/** @param {Event} event */
async function submit(event) {
  event.preventDefault();
  if (asking.value) return;
  asking.value = true;
  trouble.value = null;
  const wrong = await signIn(username.value, password.value, codeAsked.value ? code.value : "");
  asking.value = false;
  trouble.value = wrong && wrong.trouble;
  code.value = "";
  codeAsked.value = wrong !== null && wrong.code;
  if (!codeAsked.value) password.value = "";
  if (wrong) setTimeout(() => document.getElementById(wrong.code ? "code" : "password")?.focus());
}

function Code() {
  return html`<label for="code">${t("sign_in.code")}</label>
    <input id="code" name="code" required maxlength="64" autocomplete="one-time-code" autocapitalize="none"
      spellcheck=${false} value=${code.value} onInput=${into(code)} />`;
}

/** @param {import("@preact/signals").Signal<string>} field */
const into = (field) => (/** @type {Event} */ event) => {
  field.value = /** @type {HTMLInputElement} */ (event.target).value;
};

export function SignIn() {
  const first = useRef(/** @type {HTMLInputElement | null} */ (null));
  useEffect(() => first.current?.focus(), []);
  return html`<main class="sign-in">
    <h1>${t("page.name")}</h1>
    <div role="alert">
      ${endedUnasked.value && html`<p class="banner banner-loud">
        <strong>${t("sign_in.ended")}</strong><span>${t("sign_in.ended_do")}</span>
      </p>`}
      ${h(Refusal, {})}
    </div>
    <form onSubmit=${submit} aria-busy=${asking.value}>
      <label for="username">${t("sign_in.username")}</label>
      <input id="username" name="username" ref=${first} required maxlength="64" autocomplete="username"
        autocapitalize="none" spellcheck=${false} value=${username.value} onInput=${into(username)} />
      <label for="password">${t("sign_in.password")}</label>
      <input id="password" name="password" type="password" required maxlength="256"
        autocomplete="current-password" value=${password.value} onInput=${into(password)} />
      ${codeAsked.value && h(Code, {})}
      <p role="alert" class="form-trouble">${trouble.value && t(trouble.value)}</p>
      <button type="submit" class="primary" aria-disabled=${asking.value}>
        ${t(asking.value ? "sign_in.asking" : "sign_in.button")}
      </button>
    </form>
    ${h(Elsewhere, {})}
    ${h(LanguageChoice, {})}
  </main>`;
}
