// The form of an action, drawn from its row in the table. What is typed goes into a draft at once.
import { signal } from "@preact/signals";
import { h } from "preact";
import { useEffect } from "preact/hooks";
import { OUTCOMES } from "./actions.js";
import { actAndGoOn, pending } from "./commands.js";
import { draftOf } from "./drafts.js";
import { t } from "./i18n.js";
import { guests, refreshGuests } from "./guests.js";
import { goBack } from "./keys.js";
import { html } from "./markup.js";
import { warn } from "./notice.js";
import { MissingSteps } from "./plan.js";
import { canBeAsked, operators, operatorText, refreshOperators } from "./operators.js";
import { session } from "./session.js";
import { missingOf } from "./steps.js";

/** @typedef {import("./actions.js").FieldName} FieldName */
/** @typedef {{ value: string, set: (value: string) => void, id: string, required: boolean, action: string }} FieldProps */

/** @param {(value: string) => void} set */
const typed = (set) => (/** @type {Event} */ event) => {
  set(/** @type {HTMLInputElement} */ (event.target).value);
};

/** @param {FieldProps} props */
function Lines({ value, set, id, required }) {
  return html`<textarea id=${id} rows="2" maxlength="2000" required=${required} value=${value} onInput=${typed(set)}></textarea>`;
}

/** @param {FieldProps} props */
function Line({ value, set, id, required }) {
  return html`<input id=${id} maxlength="64" autocomplete="off" required=${required} value=${value} onInput=${typed(set)} />`;
}

/** @param {FieldProps & { options: { value: string, text: string }[] }} props */
function Choice({ value, set, id, required, options }) {
  return html`<select id=${id} required=${required} value=${value} onChange=${typed(set)}>
    <option value="">${t("form.choose")}</option>
    ${options.map((one) => html`<option key=${one.value} value=${one.value}>${one.text}</option>`)}
  </select>`;
}

/** @param {FieldProps} props */
function OutcomeChoice(props) {
  return h(Choice, { ...props, options: OUTCOMES.map((code) => ({ value: code, text: t(`outcome.${code}`) })) });
}

/** @param {FieldProps} props */
function OperatorChoice(props) {
  useEffect(() => {
    refreshOperators();
  }, []);
  const others = operators.value.filter((one) => one.id !== session.value?.operator.id);
  // Those who can take it come first.
  others.sort((a, b) => Number(canBeAsked(b)) - Number(canBeAsked(a)));
  return h(Choice, { ...props, options: others.map((one) => ({ value: one.id, text: operatorText(one) })) });
}

/** @param {FieldProps} props */
function GuestChoice(props) {
  useEffect(() => {
    refreshGuests();
  }, []);
  return h(Choice, { ...props, options: guests() });
}

/** @type {Record<FieldName, import("preact").FunctionComponent<FieldProps>>} */
const FIELDS = {
  text: Lines,
  outcome: OutcomeChoice,
  to: OperatorChoice,
  case_number: Line,
  person: Line,
  party: GuestChoice,
  number: Line,
};

const missing = signal(/** @type {string | null} */ (null));

/** A supervisor may end an alert without its required steps, and says why.
 * @param {{ checked: boolean, set: (value: string) => void }} props */
function Override({ checked, set }) {
  return html`<label class="switch">
    <input type="checkbox" id="field-override" checked=${checked}
      onChange=${(/** @type {Event} */ event) => set(/** @type {HTMLInputElement} */ (event.target).checked ? "yes" : "")} />
    ${t("plan.override")}
  </label>`;
}

/** @param {{ row: import("./actions.js").ActionRow, alert: import("console-api").Alert,
 *   data: import("console-api").AlertDetail | null, allowed: boolean }} props */
export function ActionForm({ row, alert, data, allowed }) {
  const draft = draftOf(alert.id, row.id);
  const busy = Boolean(pending.value[alert.id]);
  const blocked = row.id === "resolve" && missingOf(data?.plan ?? []).length > 0;
  const mayOverride = blocked && session.value?.role !== "operator";
  const overrides = mayOverride && draft.value.override === "yes";
  const needed = overrides ? [...row.required, /** @type {const} */ ("text")] : row.required;

  /** @param {Event} event */
  function submit(event) {
    event.preventDefault();
    const filledIn = (/** @type {FieldName} */ name) => Boolean(draft.value[name]?.trim());
    const several = row.oneOf && row.oneOf.filter(filledIn).length !== 1 ? row.oneOf[0] : undefined;
    const empty = needed.find((name) => !filledIn(name)) ?? several;
    missing.value = empty ?? null;
    if (empty) document.getElementById(`field-${empty}`)?.focus();
    else if (blocked && !overrides) warn("conflict.steps_missing", { name: alert.resident_name || alert.device_id });
    else if (!busy && allowed) {
      const filled = Object.entries(draft.value).filter(([name, value]) => name !== "override" && value.trim() !== "");
      actAndGoOn(alert.id, row.id, { ...Object.fromEntries(filled), ...(overrides && { override: true }) });
    }
  }

  /** @param {KeyboardEvent} event */
  function key(event) {
    if (event.key === "Enter" && event.ctrlKey) submit(event);
  }

  return html`<form class="action-form" noValidate onSubmit=${submit} onKeyDown=${key} aria-labelledby="form-heading">
    <h4 id="form-heading" class="visually-hidden">${t(`action.${row.id}`)}</h4>
    ${blocked && h(MissingSteps, { data })}
    ${row.fields.map((name) => {
      const id = `field-${name}`;
      const required = needed.includes(name);
      const own = `field.${row.id}.${name}`;
      return html`<div class="field" key=${name}>
        <label for=${id}>${t(own)}${required && html`<span class="required"> ${t("form.required")}</span>`}</label>
        ${h(FIELDS[name], { id, required, action: row.id, value: draft.value[name] ?? "",
          set: (value) => { draft.value = { ...draft.value, [name]: value }; } })}
        ${missing.value === name && html`<p role="alert" class="form-trouble">${t(row.oneOf ? "form.one_of" : "form.missing")}</p>`}
      </div>`;
    })}
    ${mayOverride && h(Override, { checked: overrides, set: (value) => { draft.value = { ...draft.value, override: value }; } })}
    ${!allowed && html`<p class="form-trouble">${t("form.not_possible")}</p>`}
    <div class="form-buttons">
      <button type="submit" class="primary" aria-disabled=${busy || !allowed}>${t(busy ? "form.sending" : `submit.${row.id}`)}</button>
      <button type="button" onClick=${goBack}>${t("form.cancel")}</button>
      <small>${t("form.keys")}</small>
    </div>
  </form>`;
}
