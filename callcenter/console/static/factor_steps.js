// Getting a second factor, in order: the password, the secret for the app, its first code, the recovery codes.
import { signal } from "@preact/signals";
import { h } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { beginFactor, confirmFactor } from "./api.js";
import { t } from "./i18n.js";
import { html } from "./markup.js";
import { askWhoIsSignedIn, session } from "./session.js";

/** @typedef {import("console-api").FactorSecret} FactorSecret */

/** Shown this once; never kept beyond this page. */
const secret = signal(/** @type {FactorSecret | null} */ (null));
const codes = signal(/** @type {string[] | null} */ (null));
const trouble = signal("");
const busy = signal(false);

/** @type {Record<string, string>} */
const TROUBLES = {
  wrong_credentials: "lock.wrong",
  wrong_code: "factor.wrong_code",
  code_used: "factor.code_used",
  one_at_a_time: "sign_in.too_often",
};

/** @param {{ why: string, problem: { code?: string, detail: string } | null }} answer */
export function factorTrouble(answer) {
  const key = TROUBLES[answer.problem?.code ?? ""];
  return key ? t(key) : answer.problem?.detail ?? t("report.unreachable");
}

/** One request after the other, with the fields of the form that was sent.
 * @param {(fields: FormData) => Promise<string>} does what went wrong, or nothing */
const sending = (does) => async (/** @type {SubmitEvent} */ event) => {
  event.preventDefault();
  if (busy.value) return;
  busy.value = true;
  trouble.value = await does(new FormData(/** @type {HTMLFormElement} */ (event.currentTarget)));
  busy.value = false;
};

const begin = sending(async (fields) => {
  const answer = await beginFactor(String(fields.get("password")));
  if (!answer.ok) return factorTrouble(answer);
  secret.value = answer.body;
  return "";
});

const confirm = sending(async (fields) => {
  const answer = await confirmFactor(String(fields.get("code")));
  if (!answer.ok) return factorTrouble(answer);
  codes.value = answer.body.recovery_codes;
  secret.value = null;
  return "";
});

const Trouble = () => html`<p role="alert" class="form-trouble">${trouble.value}</p>`;

function Password() {
  return html`<form class="factor-form" onSubmit=${begin} aria-busy=${busy.value}>
    <input type="text" hidden readonly autocomplete="username" value=${session.value?.operator.id} />
    <label for="factor-password">${t("factor.password")}</label>
    <input id="factor-password" name="password" type="password" required maxlength="256" autocomplete="current-password" />
    <${Trouble} />
    <button type="submit" class="primary" aria-disabled=${busy.value}>${t("factor.begin")}</button>
  </form>`;
}

/** @param {{ given: FactorSecret }} props */
function Scan({ given }) {
  const first = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => first.current?.focus(), []);
  const { size, path } = given.qr;
  return html`<h2 tabindex="-1" ref=${first}>${t("factor.scan")}</h2>
    <p>${t("factor.scan_says")}</p>
    <svg class="factor-qr" viewBox=${`0 0 ${size} ${size}`} role="img" aria-label=${t("factor.qr")}><path d=${path} /></svg>
    <p>${t("factor.secret")} <code class="factor-secret">${(given.secret.match(/.{1,4}/g) ?? []).join(" ")}</code></p>
    <p><a href=${given.link}>${t("factor.link")}</a></p>
    <form class="factor-form" onSubmit=${confirm} aria-busy=${busy.value}>
      <label for="factor-code">${t("factor.code")}</label>
      <input id="factor-code" name="code" required maxlength="64" inputmode="numeric" autocomplete="one-time-code" />
      <${Trouble} />
      <button type="submit" class="primary" aria-disabled=${busy.value}>${t("factor.confirm")}</button>
    </form>`;
}

/** @param {{ list: string[], done: () => void }} props */
function Recovery({ list, done }) {
  const first = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => first.current?.focus(), []);
  const kept = () => {
    codes.value = null;
    done();
    askWhoIsSignedIn(); // what a role demanded is there: the session may do everything again
  };
  return html`<h2 tabindex="-1" ref=${first}>${t("factor.recovery")}</h2>
    <p>${t("factor.recovery_says")}</p>
    <ul class="factor-codes">${list.map((one) => html`<li key=${one}><code>${one}</code></li>`)}</ul>
    <button type="button" class="primary" onClick=${kept}>${t("factor.kept")}</button>`;
}

/** @param {{ done: () => void }} props told when there is one, and its recovery codes are kept */
export function FactorSteps({ done }) {
  if (codes.value) return h(Recovery, { list: codes.value, done });
  return secret.value ? h(Scan, { given: secret.value }) : h(Password, {});
}
