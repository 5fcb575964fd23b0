// Signing in by an identity provider, where the centre has one: the way there, and what is said on the way back.
import { t } from "./i18n.js";
import { html } from "./markup.js";

/** What people call it; empty: there is none. */
export const provider = document.querySelector('meta[name="oidc"]')?.getAttribute("content") ?? "";

/** Why nobody was let in, as openapi.yaml has it -> the words.
 * @type {Record<string, string>} */
const TROUBLES = {
  away: "elsewhere.away",
  expired: "elsewhere.expired",
  no_role: "elsewhere.no_role",
  refused: "elsewhere.refused",
  unavailable: "sign_in.unavailable",
};

const told = new URLSearchParams(location.search).get("sign_in");

/** Somebody has just come back. A reload must not say it once more. */
export const cameBack = told !== null;
if (cameBack) history.replaceState(null, "", location.pathname);

/** The catalogue key of why they were not let in; empty: they were, or nobody has come back. */
export const refusal = TROUBLES[told ?? ""] ?? "";

export function Refusal() {
  if (!refusal) return null;
  return html`<p class="banner banner-loud" id="elsewhere-refusal"><strong>${t(refusal, { name: provider })}</strong></p>`;
}

export function Elsewhere() {
  if (!provider) return null;
  return html`<a class="button" id="sign-in-elsewhere" href="/sign-in/oidc">${t("elsewhere.button", { name: provider })}</a>`;
}
