// What happened, newest first.
import { signal } from "@preact/signals";
import { isStep } from "./call_words.js";
import { now } from "./clock.js";
import { clockTime, t } from "./i18n.js";
import { html } from "./markup.js";
import { actorName, sentence } from "./sentences.js";

/** @typedef {import("console-api").AlertDetail} AlertDetail */

/** Whether every step of every call is listed, or only what matters to the operator. */
const allSteps = signal(false);

/** @param {unknown} text */
function written(text) {
  return typeof text === "string" && text.trim() !== "" ? text : null;
}

/** @param {{ detail: AlertDetail }} props */
export function Timeline({ detail }) {
  const steps = detail.timeline.some(isStep);
  const entries = detail.timeline.filter((one) => allSteps.value || !isStep(one)).sort((a, b) => b.n - a.n);
  return html`<section class="timeline" aria-labelledby="timeline-heading">
    <div class="timeline-head">
      <h3 id="timeline-heading">${t("view.timeline")}</h3>
      ${steps && html`<button type="button" aria-pressed=${allSteps.value}
        onClick=${() => (allSteps.value = !allSteps.value)}>${t("view.all_steps")}</button>`}
    </div>
    <ol reversed tabindex="0" aria-labelledby="timeline-heading">
      ${entries.map((entry) => {
        const said = sentence(entry, detail.contacts);
        const who = actorName(entry.actor);
        return html`<li key=${entry.n} class=${entry.ring ? "entry entry-ring" : "entry"}>
        <time datetime=${entry.at}>${clockTime(entry.at, now.peek())}</time>
        <div>
          <span>${said}</span>
          ${written(entry.data.text) && html`<blockquote>${written(entry.data.text)}</blockquote>`}
          ${!said.includes(who) && html`<small class="actor">${who}</small>`}
        </div>
      </li>`;
      })}
    </ol>
  </section>`;
}
