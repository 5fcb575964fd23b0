// Handing an alert over: what this operator is asked to take stands above everything until it is answered; what this
// operator has offered stands beside the alert.
import { h } from "preact";
import { ANSWERS } from "./actions.js";
import { askedOf, revision } from "./alert_book.js";
import { now } from "./clock.js";
import { pending } from "./commands.js";
import { openAlert } from "./detail.js";
import { wishFocus } from "./focus.js";
import { duration, t } from "./i18n.js";
import { singleKeys, startAction } from "./keys.js";
import { html } from "./markup.js";
import { passive } from "./one_console.js";
import { locked } from "./privacy.js";
import { session } from "./session.js";

/** @typedef {import("console-api").Alert} Alert */

/** @param {{ alert: Alert, own: boolean }} props */
function Answers({ alert, own }) {
  const busy = passive.value || Boolean(pending.value[alert.id]);
  const rows = ANSWERS.filter((row) => !own || row.id === "decline");
  return html`<span class="answers">
    ${rows.map((row) => html`<button type="button" key=${row.id} class=${row.id === "take_over" ? "primary" : ""}
      aria-disabled=${busy} onClick=${() => !busy && startAction(alert.id, row)}>
      <span>${t(own ? "transfer.keep" : `action.${row.id}`)}</span>${singleKeys.value && html`<kbd aria-hidden="true">${row.key}</kbd>`}
    </button>`)}
  </span>`;
}

/** @param {Alert} alert */
function look(alert) {
  openAlert(alert.id);
  wishFocus("alert-view");
}

/** @param {{ alert: Alert }} props */
function Request({ alert }) {
  if (locked.value) {
    return html`<p class="banner banner-loud request"><strong>${t("lock.asked", { kind: t(`kind.${alert.kind}`) })}</strong></p>`;
  }
  const name = alert.resident_name || t("mark.unidentified");
  return html`<div class="banner banner-loud request" data-request=${alert.id}>
    <strong>${t("transfer.asked", { owner: alert.owner?.name, kind: t(`kind.${alert.kind}`), name })}</strong>
    <span>${alert.place}</span>
    ${h(Answers, { alert, own: false })}
    <button type="button" onClick=${() => look(alert)}>${t("transfer.look")}</button>
  </div>`;
}

export function Requests() {
  revision.value;
  const asked = askedOf(session.value?.operator.id ?? "");
  return html`<div role="alert" class="alert-region" id="requests">
    ${asked.map((alert) => h(Request, { key: alert.id, alert }))}
  </div>`;
}

/** @param {{ alert: Alert }} props */
export function Offered({ alert }) {
  if (!alert.transfer) return null;
  const own = alert.owner?.id === session.value?.operator.id;
  const since = now.value - Date.parse(alert.transfer.at);
  return html`<p class="offered" id="offered">
    <span role="status">${t(own ? "transfer.waits" : "transfer.asks", { name: alert.transfer.to.name, owner: alert.owner?.name })}</span>
    <time class="figures" datetime=${alert.transfer.at}>${duration(since)}</time>
    ${own && h(Answers, { alert, own })}
  </p>`;
}
