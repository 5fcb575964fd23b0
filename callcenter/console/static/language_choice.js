// The choice of language. Everything drawn follows by itself.
import { language, LANGUAGES, switchLanguage, t } from "./i18n.js";
import { html } from "./markup.js";

export function LanguageChoice() {
  return html`<label class="language">
    <span class="visually-hidden">${t("language.label")}</span>
    <select value=${language.value}
      onChange=${(/** @type {Event} */ event) => switchLanguage(/** @type {HTMLSelectElement} */ (event.target).value)}>
      ${LANGUAGES.map((name) => html`<option value=${name} lang=${name}>${t(`language.${name}`)}</option>`)}
    </select>
  </label>`;
}
