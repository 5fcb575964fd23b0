// What happened, newest first.
import { now } from "./clock.js";
import { clockTime, t } from "./i18n.js";
import { html } from "./markup.js";
import { actorName, sentence } from "./sentences.js";

/** @typedef {import("console-api").AlertDetail} AlertDetail */

/** @param {unknown} text */
function written(text) {
  return typeof text === "string" && text.trim() !== "" ? text : null;
}

/** @param {{ detail: AlertDetail }} props */
export function Timeline({ detail }) {
  const entries = [...detail.timeline].sort((a, b) => b.n - a.n);
  return html`<section class="timeline" aria-labelledby="timeline-heading">
    <h3 id="timeline-heading">${t("view.timeline")}</h3>
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
