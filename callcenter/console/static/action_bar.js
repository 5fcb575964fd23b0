// The buttons of an alert. What is not possible now stays visible, and resolve and close say why.
import { h } from "preact";
import { ActionForm } from "./action_form.js";
import { ACTIONS, actionRow, allowedActions, nextStep, whyNot } from "./actions.js";
import { pending } from "./commands.js";
import { openForm } from "./drafts.js";
import { plural, t } from "./i18n.js";
import { singleKeys, startAction } from "./keys.js";
import { html } from "./markup.js";
import { session } from "./session.js";
import { missingOf } from "./steps.js";

/** @typedef {import("console-api").Alert} Alert */
/** @typedef {import("console-api").AlertDetail} AlertDetail */

/** Ending an alert is where a missing step matters most: their reasons are always in sight. */
const EXPLAINED = new Set(["resolve", "close"]);

/** @param {{ row: import("./actions.js").ActionRow, alert: Alert, allowed: boolean, next: boolean, missing: number }} props */
function ActionButton({ row, alert, allowed, next, missing }) {
  const way = pending.value[alert.id];
  const busy = way?.action === row.id;
  const me = session.value?.operator.id ?? "";
  const before = missing > 0 && row.id === "resolve" ? plural("why_not.steps", missing) : "";
  const reason = allowed ? before : t(whyNot(row.id, alert, me), { owner: alert.owner?.name });
  const label = busy ? t(way.slow ? "action.slow" : `action_busy.${row.id}`) : t(`action.${row.id}`);
  return html`<div class="action">
    <button type="button" id=${`action-${row.id}`} class=${next ? "primary" : ""}
      aria-disabled=${!allowed || Boolean(way)} aria-busy=${busy}
      aria-describedby=${reason ? `why-${row.id}` : undefined} title=${reason || undefined}
      onClick=${() => !way && startAction(alert.id, row)}>
      <span>${label}</span>${singleKeys.value && html`<kbd aria-hidden="true">${row.key}</kbd>`}
    </button>
    ${reason && html`<small id=${`why-${row.id}`} class=${EXPLAINED.has(row.id) ? "why" : "visually-hidden"}>${reason}</small>`}
  </div>`;
}

/** @param {{ alert: Alert, data: AlertDetail | null }} props */
export function ActionBar({ alert, data }) {
  const me = session.value?.operator.id ?? "";
  const allowed = allowedActions(alert, data, me);
  const next = nextStep(alert, me);
  const missing = missingOf(data?.plan ?? []).length;
  const form = actionRow(openForm(alert.id) ?? "");
  return html`<section class="actions" aria-labelledby="actions-heading">
    <h3 id="actions-heading" class="visually-hidden">${t("view.actions")}</h3>
    <div class="action-buttons">
      ${ACTIONS.map((row) => h(ActionButton, { key: row.id, row, alert, allowed: allowed.has(row.id), next: row.id === next && allowed.has(row.id), missing }))}
    </div>
    ${form && h(ActionForm, { key: `${alert.id} ${form.id}`, row: form, alert, data, allowed: allowed.has(form.id) })}
  </section>`;
}
