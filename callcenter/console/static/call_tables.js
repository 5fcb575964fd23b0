// Rows of the call log, and of what callers are owed, as tables. Numbers come masked unless this operator may see them.
import { h } from "preact";
import { now } from "./clock.js";
import { DebtForm } from "./debt_form.js";
import { clockTime, duration, t, word } from "./i18n.js";
import { html } from "./markup.js";

/** @typedef {import("console-api").LoggedCall} LoggedCall */
/** @typedef {import("console-api").OpenDebt} OpenDebt */

/** @param {number | null} seconds */
const lasted = (seconds) => (seconds === null ? "—" : duration(seconds * 1000));

/** @param {string} at */
const when = (at) => html`<time datetime=${at}>${clockTime(at, now.peek())}</time>`;

/** @type {[string, (call: LoggedCall) => unknown][]} */
const CALL_COLUMNS = [
  ["call.wanted", (call) => when(call.wanted_at)],
  ["call.direction", (call) => word("direction", call.direction)],
  ["call.role", (call) => word("call_role", call.role)],
  ["call.name", (call) => call.name || "—"],
  ["call.number", (call) => call.number || t("call.withheld")],
  ["call.outcome", (call) => call.outcome ? word("call_outcome", call.outcome) : word("call_state", call.state)],
  ["call.wait", (call) => lasted(call.wait_s)],
  ["call.talk", (call) => lasted(call.talk_s)],
  ["call.gateway", (call) => call.gateway || "—"],
];

/** @type {[string, (debt: OpenDebt) => unknown][]} */
const DEBT_COLUMNS = [
  ["call.due", (debt) => when(debt.due)],
  ["call.name", (debt) => debt.name || "—"],
  ["call.number", (debt) => debt.number || t("call.withheld")],
  ["call.attempts", (debt) => debt.attempts],
];

/** @template T @param {string} name @param {[string, (row: T) => unknown][]} columns @param {T[]} rows
 * @param {(row: T) => string} key */
function table(name, columns, rows, key) {
  return html`<div class="report-scroller"><table class="report-table">
    <caption class="visually-hidden">${name}</caption>
    <thead><tr>${columns.map(([key]) => html`<th scope="col">${t(key)}</th>`)}</tr></thead>
    <tbody>${rows.map((row) => html`<tr key=${key(row)}>${columns.map(([, cell]) => html`<td>${cell(row)}</td>`)}</tr>`)}</tbody>
  </table></div>`;
}

/** @param {{ calls: LoggedCall[], name: string }} props */
export const CallTable = ({ calls, name }) => table(name, CALL_COLUMNS, calls, (call) => call.id);

/** @param {{ debts: OpenDebt[], settled: () => void }} props */
export function DebtTable({ debts, settled }) {
  /** @type {[string, (debt: OpenDebt) => unknown]} */
  const settle = ["debt.how", (debt) => h(DebtForm, { debt, settled })];
  return table(t("calls.debt_table"), [...DEBT_COLUMNS, settle], debts, (debt) => debt.call_id);
}
