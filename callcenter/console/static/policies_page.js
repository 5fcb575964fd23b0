// The escalation policies: what is in force, readable; every version that ever was; and a supervisor's editor.
import { h } from "preact";
import { useEffect } from "preact/hooks";
import { clockTime, t } from "./i18n.js";
import { html } from "./markup.js";
import { begin, draft, edit, list, said, show, shown, trouble } from "./policy_book.js";
import { Editor } from "./policy_editor.js";
import { PolicyShown } from "./policy_ladder.js";
import { reportPage } from "./report_frame.js";

/** @typedef {import("console-api").PolicyVersion} PolicyVersion */

/** @param {number} version */
const title = (version) => version ? t("policy.version", { version }) : t("policy.file");

/** @param {{ one: PolicyVersion }} props */
function Row({ one }) {
  const current = one.version === list.value?.in_force;
  return html`<tr>
    <th scope="row">${title(one.version)}${current && html` <strong>${t("policy.in_force")}</strong>`}</th>
    <td>${one.author || "—"}</td>
    <td>${one.created_at ? html`<time datetime=${one.created_at}>${clockTime(one.created_at, Date.now())}</time>` : "—"}</td>
    <td class="policy-note">${one.note || "—"}</td>
    <td><button type="button" aria-pressed=${shown.value?.version === one.version}
      aria-label=${t("policy.show_named", { title: title(one.version) })} onClick=${() => show(one.version)}>${t("policy.show")}</button></td>
  </tr>`;
}

const COLUMNS = ["policy.col_version", "policy.col_author", "policy.col_at", "policy.col_note", "policy.col_show"];

function Versions() {
  return html`<section><h2 id="versions-heading">${t("policy.versions")}</h2>
    <div class="report-scroller" tabindex="0" role="region" aria-labelledby="versions-heading"><table class="report-table">
      <caption class="visually-hidden">${t("policy.versions")}</caption>
      <thead><tr>${COLUMNS.map((key) => html`<th scope="col">${t(key)}</th>`)}</tr></thead>
      <tbody>${list.value?.versions.map((one) => html`<${Row} key=${one.version} one=${one} />`)}</tbody>
    </table></div>
  </section>`;
}

function Shown() {
  const one = shown.value;
  if (!one) return null;
  const inForce = one.version === list.value?.in_force;
  return html`<section aria-labelledby="shown-heading">
    <h2 id="shown-heading">${title(one.version)}${inForce ? ` · ${t("policy.in_force")}` : ""}</h2>
    ${list.value?.may_change && draft.value === null && html`<div class="form-buttons">
      <button type="button" onClick=${() => edit(one.text)}>${t(inForce ? "policy.edit" : "policy.go_back")}</button></div>`}
    ${one.policy ? h(PolicyShown, { policy: one.policy }) : html`<p role="alert">${t("policy.unreadable")}</p>`}
    <details><summary>${t("policy.raw")}</summary>
      <pre class="policy-raw" tabindex="0" role="region" aria-label=${t("policy.raw")}>${one.text}</pre></details>
  </section>`;
}

function Body() {
  useEffect(() => {
    begin();
  }, []);
  return html`<p role="alert" class="form-trouble">${trouble.value}</p>
    <p role="status">${said.value}</p>
    ${draft.value !== null && html`<${Editor} />`}
    <${Shown} />
    ${list.value && html`<${Versions} />`}`;
}

export const PoliciesPage = reportPage("/policies", "policy.title", Body);
