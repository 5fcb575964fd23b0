// A supervisor writes a policy: checked first, with each fault at its line and a forecast, then put into force.
import { busy, check, checked, draft, edit, putIntoForce } from "./policy_book.js";
import { h } from "preact";
import { Forecast } from "./policy_forecast.js";
import { plural, t } from "./i18n.js";
import { html } from "./markup.js";

/** @typedef {import("console-api").PolicyFault} PolicyFault */

const TEXT = "policy-text";
const NOTE = "policy-note";

/** The words of a fault; one that is new to us says its own reason.
 * @param {PolicyFault} fault */
function says({ code, reason, values, place }) {
  const key = `policy_fault.${code}`;
  const text = t(key, { ...values, reason, place });
  return text === key ? reason : text;
}

/** Put the cursor into that line. @param {number} line */
function goTo(line) {
  const area = /** @type {HTMLTextAreaElement | null} */ (document.getElementById(TEXT));
  if (!area) return;
  const lines = area.value.split("\n");
  const start = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  area.focus();
  area.setSelectionRange(start, start + (lines[line - 1] ?? "").length);
  area.scrollTop = (line - 4) * (area.scrollHeight / lines.length);
}

/** @param {{ heading: string, faults: PolicyFault[] }} props */
function Faults({ heading, faults }) {
  return html`<section><h3>${heading}</h3>
    <ul class="policy-faults">${faults.map((fault) => html`<li>
      <button type="button" onClick=${() => goTo(fault.line)}>${t("policy.line", { line: fault.line })}</button>
      <span>${says(fault)} ${fault.place && html`<code>${fault.place}</code>`}</span>
    </li>`)}</ul>
  </section>`;
}

/** @param {Event} event */
function put(event) {
  event.preventDefault();
  const field = /** @type {HTMLInputElement} */ (document.getElementById(NOTE));
  if (field.value.trim()) putIntoForce(field.value.trim());
  else field.focus();
}

function PutForm() {
  return html`<form class="report-form" noValidate onSubmit=${put}>
    <label>${t("policy.note")}<input id=${NOTE} maxlength="500" size="50" required autocomplete="off" /></label>
    <button class="primary" aria-disabled=${busy.value !== ""}>${t("policy.put")}</button>
    <p>${t("policy.put_hint")}</p>
  </form>`;
}

function Found() {
  const found = checked.value;
  const text = busy.value === "check" ? t("policy.checking")
    : !found ? "" : found.ok ? t("policy.good") : plural("policy.faults", found.faults.length);
  return html`<p role="status">${text}</p>
    ${found && found.faults.length > 0 && html`<${Faults} heading=${t("policy.faults_heading")} faults=${found.faults} />`}
    ${found && found.warnings.length > 0 && html`<${Faults} heading=${t("policy.warnings_heading")} faults=${found.warnings} />`}
    ${found?.forecast && h(Forecast, { forecast: found.forecast })}
    ${found?.ok && html`<${PutForm} />`}`;
}

/** @param {Event} event */
function typed(event) {
  edit(/** @type {HTMLTextAreaElement} */ (event.target).value);
}

export function Editor() {
  return html`<section>
    <h2 id="editor-heading">${t("policy.editor")}</h2>
    <label for=${TEXT}>${t("policy.text")}</label>
    <textarea id=${TEXT} class="policy-text" rows="24" spellcheck="false" autocomplete="off" maxlength="60000"
      value=${draft.value ?? ""} onInput=${typed}></textarea>
    <div class="form-buttons">
      <button type="button" class="primary" aria-disabled=${busy.value !== ""} onClick=${check}>${t("policy.check")}</button>
      <button type="button" onClick=${() => edit(null)}>${t("policy.discard")}</button>
    </div>
    <${Found} />
  </section>`;
}
