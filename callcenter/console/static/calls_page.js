// The call log: what is owed and what has to be dialled by hand on top, then the search and its pages.
import { signal } from "@preact/signals";
import { h } from "preact";
import { useEffect } from "preact/hooks";
import { getCalls, getDebts, getManualCalls } from "./api.js";
import { CallFilters } from "./call_filters.js";
import { CallTable, DebtTable } from "./call_tables.js";
import { plural, t } from "./i18n.js";
import { html } from "./markup.js";
import { reportPage, troubleOf } from "./report_frame.js";

/** @typedef {import("console-api").LoggedCall} LoggedCall */

const LOOK_AGAIN_MS = 15_000;

const owed = signal(/** @type {import("console-api").OpenDebt[]} */ ([]));
const manual = signal(/** @type {LoggedCall[]} */ ([]));
const found = signal(/** @type {LoggedCall[]} */ ([]));
const before = signal(/** @type {string | null} */ (null));
const trouble = signal("");
let asked = new URLSearchParams();
let asking = 0;

/** @param {URLSearchParams} query */
async function search(query) {
  asked = query;
  await page("");
}

/** @param {string} after id of the last call of the page before; empty: the newest */
async function page(after) {
  const mine = asking += 1;
  const query = new URLSearchParams(asked);
  if (after) query.set("before", after);
  const answer = await getCalls(query);
  if (mine !== asking) return; // a later search has been asked meanwhile
  trouble.value = answer.ok ? "" : troubleOf(answer);
  if (!answer.ok) return;
  found.value = after ? [...found.value, ...answer.body.calls] : answer.body.calls;
  before.value = answer.body.before;
}

async function lookAtWork() {
  const [debts, calls] = await Promise.all([getDebts(), getManualCalls()]);
  if (debts.ok) owed.value = debts.body.debts;
  if (calls.ok) manual.value = calls.body.calls;
  const failed = !debts.ok ? debts : !calls.ok ? calls : null;
  if (failed) trouble.value = troubleOf(failed);
}

function Work() {
  return html`<section aria-labelledby="owed">
      <h2 id="owed">${plural("calls.owed", owed.value.length)}</h2>
      ${owed.value.length > 0 && h(DebtTable, { debts: owed.value, settled: lookAtWork })}
    </section>
    <section aria-labelledby="manual">
      <h2 id="manual">${plural("calls.manual", manual.value.length)}</h2>
      ${manual.value.length > 0 && h(CallTable, { calls: manual.value, name: t("calls.manual_table") })}
    </section>`;
}

function Log() {
  const older = before.value;
  return html`<section aria-labelledby="log">
    <h2 id="log">${t("calls.log")}</h2>
    ${h(CallFilters, { search })}
    <p role="alert" class="form-trouble">${trouble.value}</p>
    ${found.value.length > 0
      ? h(CallTable, { calls: found.value, name: t("calls.log") })
      : html`<p class="report-empty">${t("calls.none")}</p>`}
    ${older && html`<button type="button" onClick=${() => page(older)}>${t("calls.older")}</button>`}
  </section>`;
}

function Body() {
  useEffect(() => {
    lookAtWork();
    search(new URLSearchParams());
    const looking = setInterval(lookAtWork, LOOK_AGAIN_MS);
    return () => clearInterval(looking);
  }, []);
  return html`<${Work} /><${Log} />`;
}

export const CallsPage = reportPage("/calls", "calls.title", Body);
