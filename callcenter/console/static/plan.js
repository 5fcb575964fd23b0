// The response plan of the open alert: its steps in order, the next one first in sight, a click or a key for each.
import { h } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { pending } from "./commands.js";
import { now } from "./clock.js";
import { clockTime, t } from "./i18n.js";
import { singleKeys } from "./keys.js";
import { looking } from "./looking.js";
import { html } from "./markup.js";
import { passive } from "./one_console.js";
import { missingOf, nextOf, said } from "./steps.js";
import { STEP_KEY, tick } from "./ticking.js";

/** @typedef {import("console-api").AlertDetail} AlertDetail */
/** @typedef {import("console-api").Step} Step */

/** @param {{ step: Step }} props */
function Required({ step }) {
  return step.required ? html`<span class="step-required">${t("plan.required")}</span>` : null;
}

/** @param {{ step: Step }} props */
function DoneStep({ step }) {
  const at = step.at && clockTime(step.at, now.peek());
  return html`<li class="step step-done">
    <span class="step-mark" aria-hidden="true">✓</span>
    <span><span class="visually-hidden">${t("plan.done")} </span>${said(step.words)}
      <small>${step.by ? t("plan.by", { name: step.by.name, when: at }) : t("plan.known", { when: at })}</small>
      ${step.text && html`<small class="step-text">${step.text}</small>`}</span>
    ${h(Required, { step })}
  </li>`;
}

/** @param {{ step: Step, data: AlertDetail, next: boolean }} props */
function OpenStep({ step, data, next }) {
  if (looking.value) return html`<li class="step">${said(step.words)} ${h(Required, { step })}</li>`;
  const allowed = data.actions.includes("step") && !passive.value && !pending.value[data.alert.id];
  return html`<li class=${next ? "step step-next" : "step"} aria-current=${next ? "step" : undefined}>
    <button type="button" id=${`step-${step.id}`} aria-disabled=${!allowed} onClick=${() => tick(data, step.id)}>
      <span class="visually-hidden">${t("plan.tick")}: </span><span>${said(step.words)}</span>
      ${next && singleKeys.value && html`<kbd aria-hidden="true">${STEP_KEY}</kbd>`}
    </button>
    ${h(Required, { step })}
  </li>`;
}

/** @param {{ data: AlertDetail }} props */
export function Plan({ data }) {
  const { plan } = data;
  const next = nextOf(plan);
  const done = plan.filter((step) => step.done).length;
  const list = useRef(/** @type {HTMLOListElement | null} */ (null));
  useEffect(() => {
    // The next step stays in sight, with the last one that is done above it.
    const place = list.current?.querySelector(".step-next")?.previousElementSibling;
    if (list.current && place instanceof HTMLElement) list.current.scrollTop = place.offsetTop;
  }, [next?.id]);
  if (plan.length === 0) return null;
  return html`<section class="plan" aria-labelledby="plan-heading">
    <h3 id="plan-heading">${t("plan.heading")} <small>${t("plan.progress", { done, all: plan.length })}</small></h3>
    <ol ref=${list} tabindex="0" aria-labelledby="plan-heading">
      ${plan.map((step) => step.done
        ? h(DoneStep, { key: step.id, step })
        : h(OpenStep, { key: step.id, step, data, next: step.id === next?.id }))}
    </ol>
  </section>`;
}

/** What is in the way of the end, in the form that ends it.
 * @param {{ data: AlertDetail | null }} props */
export function MissingSteps({ data }) {
  const missing = missingOf(data?.plan ?? []);
  if (missing.length === 0) return null;
  return html`<div class="missing-steps" id="missing-steps" role="alert">
    <p>${t("plan.missing")}</p>
    <ul>${missing.map((step) => html`<li key=${step.id}>${said(step.words)}</li>`)}</ul>
  </div>`;
}
