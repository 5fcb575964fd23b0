// The second factor: how one's own stands, getting and ending it; and taking a colleague's away who has lost it.
import { signal } from "@preact/signals";
import { h } from "preact";
import { useEffect } from "preact/hooks";
import { endFactor, getFactor, resetFactor } from "./api.js";
import { FactorSteps, factorTrouble } from "./factor_steps.js";
import { plural, t } from "./i18n.js";
import { html } from "./markup.js";
import { operators, refreshOperators } from "./operators.js";
import { momentText } from "./register_words.js";
import { reportPage, troubleOf } from "./report_frame.js";
import { may, session } from "./session.js";

/** @typedef {import("console-api").SecondFactor} SecondFactor */

const own = signal(/** @type {SecondFactor | null} */ (null));
const trouble = signal("");
const said = signal("");

async function look() {
  const answer = await getFactor();
  if (answer.ok) own.value = answer.body;
  else trouble.value = troubleOf(answer);
}

/** @param {SubmitEvent} event */
async function end(event) {
  event.preventDefault();
  const form = /** @type {HTMLFormElement} */ (event.currentTarget);
  const fields = new FormData(form);
  const answer = await endFactor(String(fields.get("password")), String(fields.get("code")));
  trouble.value = answer.ok ? "" : factorTrouble(answer);
  if (answer.ok) await look();
}

/** @param {SubmitEvent} event */
async function reset(event) {
  event.preventDefault();
  const form = /** @type {HTMLFormElement} */ (event.currentTarget);
  const fields = new FormData(form);
  const answer = await resetFactor(String(fields.get("operator")), String(fields.get("reason")).trim());
  trouble.value = answer.ok ? "" : troubleOf(answer);
  said.value = answer.ok ? t("factor.was_reset") : "";
  if (answer.ok) form.reset();
}

/** @param {{ factor: SecondFactor }} props */
function Enrolled({ factor }) {
  return html`<p role="status">${t("factor.on", { when: momentText(factor.since ?? "") })}
      ${" "}${plural("factor.left", factor.recovery)}</p>
    <details class="factor-end"><summary>${t("factor.end")}</summary>
      <form class="factor-form" onSubmit=${end}>
        <input type="text" hidden readonly autocomplete="username" value=${session.value?.operator.id} />
        <label for="end-password">${t("factor.password")}</label>
        <input id="end-password" name="password" type="password" required maxlength="256" autocomplete="current-password" />
        <label for="end-code">${t("factor.code")}</label>
        <input id="end-code" name="code" required maxlength="64" autocomplete="one-time-code" />
        <button type="submit">${t("factor.end_now")}</button>
      </form>
    </details>`;
}

function Own() {
  const factor = own.value;
  if (!session.value?.local) return html`<p>${t("factor.elsewhere")}</p>`;
  if (!factor) return null;
  if (factor.since) return h(Enrolled, { factor });
  return html`<p>${t(factor.demanded ? "factor.demanded" : "factor.says")}</p>${h(FactorSteps, { done: look })}`;
}

function Reset() {
  const others = operators.value.filter(({ id }) => id !== session.value?.operator.id);
  return html`<section aria-labelledby="factor-reset"><h2 id="factor-reset">${t("factor.reset")}</h2>
    <p>${t("factor.reset_says")}</p>
    <form class="report-form" onSubmit=${reset}>
      <label>${t("factor.whose")}<select name="operator" required>
        ${others.map(({ id, name }) => html`<option key=${id} value=${id}>${name}</option>`)}
      </select></label>
      <label>${t("factor.reason")}<input name="reason" maxlength="2000" required autocomplete="off" /></label>
      <button>${t("factor.reset_now")}</button>
    </form>
    <p role="status">${said.value}</p>
  </section>`;
}


function Body() {
  useEffect(() => {
    look();
    if (may("help_sign_in")) refreshOperators();
  }, []);
  return html`<p role="alert" class="form-trouble">${trouble.value}</p>
    <section aria-label=${t("factor.title")}>${h(Own, {})}</section>
    ${may("help_sign_in") && h(Reset, {})}`;
}

export const FactorPage = reportPage("/second-factor", "factor.title", Body);
