// What stands in the place of everything about people while the page is locked, and the way back.
import { signal } from "@preact/signals";
import { h } from "preact";
import { provider } from "./elsewhere.js";
import { t } from "./i18n.js";
import { html } from "./markup.js";
import { lock, unlock } from "./privacy.js";
import { session, signOut } from "./session.js";

const trouble = signal(/** @type {string | null} */ (null));
const asking = signal(false);

/** @param {Event} event */
async function submit(event) {
  event.preventDefault();
  if (asking.value) return;
  const field = /** @type {HTMLInputElement} */ (document.getElementById("unlock-password"));
  asking.value = true;
  trouble.value = null;
  trouble.value = await unlock(field.value);
  asking.value = false;
  field.value = "";
  if (trouble.value) field.focus();
}

async function leave() {
  trouble.value = await signOut() ? null : "sign_out.failed";
}

export const LockButton = () => html`<button type="button" id="lock" onClick=${lock}>${t("lock.button")}</button>`;

/** @param {{ name: string }} who */
const Password = ({ name }) => html`<form onSubmit=${submit} aria-busy=${asking.value}>
    <input type="text" hidden readonly autocomplete="username" value=${session.value?.operator.id} />
    <label for="unlock-password">${t("lock.password", { name })}</label>
    <input id="unlock-password" type="password" required maxlength="256" autocomplete="current-password" />
    <p role="alert" class="form-trouble">${trouble.value && t(trouble.value)}</p>
    <button type="submit" class="primary" aria-disabled=${asking.value}>${t(asking.value ? "lock.asking" : "lock.unlock")}</button>
  </form>`;

/** In a tab of its own: here alarms go on ringing, and what was typed stays. */
const Elsewhere = () => html`<a class="button primary" id="unlock-elsewhere" href="/sign-in/oidc?again" target="_blank"
  rel="noopener">${t("lock.elsewhere", { name: provider })}</a>
  <p>${t("lock.elsewhere_says")}</p>`;

export function LockPanel() {
  const name = session.value?.operator.name ?? "";
  return html`<section class="lock-panel" id="lock-panel" aria-labelledby="lock-heading">
    <h2 id="lock-heading">${t("lock.heading")}</h2>
    <p>${t("lock.says")}</p>
    ${session.value?.local === false ? h(Elsewhere, {}) : h(Password, { name })}
    <p class="lock-other">${t("lock.other", { name })} <button type="button" onClick=${leave}>${t("sign_out.button")}</button></p>
  </section>`;
}
