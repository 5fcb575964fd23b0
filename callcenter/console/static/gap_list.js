// The gaps that wait for somebody's decision, above the incidents: whom each concerns, and what a supervisor says to it.
import { signal } from "@preact/signals";
import { h } from "preact";
import { postDismiss, postSweep } from "./api.js";
import { now } from "./clock.js";
import { clockTime, plural, t } from "./i18n.js";
import { html } from "./markup.js";
import { troubleOf } from "./report_frame.js";

/** @typedef {import("console-api").Gap} Gap */
/** @typedef {import("console-api").SweepGap} SweepGap */

const ASKS = ["both", "residents", "responders"];
const trouble = signal("");

/** @param {{ gap: Gap, changed: () => void }} props */
function SweepForm({ gap, changed }) {
  /** @param {Event} event */
  async function submit(event) {
    event.preventDefault();
    const fields = new FormData(/** @type {HTMLFormElement} */ (event.target));
    const answer = await postSweep(gap.id, /** @type {SweepGap} */ (/** @type {unknown} */ (Object.fromEntries(fields))));
    trouble.value = answer.ok ? "" : troubleOf(answer);
    if (answer.ok && answer.body.incidents.length) location.hash = encodeURIComponent(answer.body.incidents[0] ?? "");
    changed();
  }
  return html`<form class="report-form" onSubmit=${submit}>
    <label>${t("incident.ask")}<select name="ask">
      ${ASKS.map((word) => html`<option value=${word}>${t(`incident_ask.${word}`)}</option>`)}
    </select></label>
    <label>${t("incident.words")}<input name="words" maxlength="200" required autocomplete="off" defaultValue=${t("gap.words")} /></label>
    <button class="primary">${plural("gap.sweep", gap.people)}</button>
  </form>`;
}

/** @param {{ gap: Gap, changed: () => void }} props */
function DismissForm({ gap, changed }) {
  /** @param {Event} event */
  async function submit(event) {
    event.preventDefault();
    const fields = new FormData(/** @type {HTMLFormElement} */ (event.target));
    const answer = await postDismiss(gap.id, { reason: String(fields.get("reason")) });
    trouble.value = answer.ok ? "" : troubleOf(answer);
    changed();
  }
  return html`<form class="report-form" onSubmit=${submit}>
    <label>${t("gap.reason")}<input name="reason" maxlength="2000" required autocomplete="off" /></label>
    <button>${t("gap.dismiss")}</button>
  </form>`;
}

/** @param {{ gap: Gap, decides: boolean, changed: () => void }} props */
function One({ gap, decides, changed }) {
  const at = (/** @type {string} */ moment) => html`<time datetime=${moment}>${clockTime(moment, now.value)}</time>`;
  return html`<li>
    <strong>${t(`gap_kind.${gap.kind}`)}</strong> ${at(gap.began_at)} – ${gap.ended_at ? at(gap.ended_at) : t("gap.goes_on")}
    <p>${plural("gap.people", gap.people, { high: gap.high_risk })}</p>
    ${decides && gap.people > 0 && h(SweepForm, { gap, changed })}
    ${decides && gap.ended_at && h(DismissForm, { gap, changed })}
  </li>`;
}

/** @param {{ gaps: Gap[], decides: boolean, changed: () => void }} props */
export function GapList({ gaps, decides, changed }) {
  if (!gaps.length) return null;
  return html`<section>
    <h2 id="gaps-heading">${t("gap.title")}</h2>
    <p>${t("gap.about")}</p>
    <p role="alert" class="form-trouble">${trouble.value}</p>
    <ul aria-labelledby="gaps-heading">${gaps.map((gap) => h(One, { key: gap.id, gap, decides, changed }))}</ul>
  </section>`;
}
