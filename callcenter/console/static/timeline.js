// What happened, newest first, in sentences. A rule this page does not know yet is shown by its
// identifier: a line that is hard to read is better than a line that is missing.
import { now } from "./clock.js";
import { clockTime, has, t, word } from "./i18n.js";
import { html } from "./markup.js";
import { operatorName } from "./operators.js";

/** @typedef {import("console-api").Entry} Entry */
/** @typedef {import("console-api").AlertDetail} AlertDetail */

/** @param {string} actor `operator:ID`, `device:ID` or `system` */
export function actorName(actor) {
  const [sort, id] = actor.split(":", 2);
  if (sort === "operator" && id) return operatorName(id);
  if (sort === "device" && id) return t("actor.device", { id });
  return word("actor", actor);
}

/** @param {unknown} id @param {AlertDetail} detail */
function contactName(id, detail) {
  return detail.contacts.find((one) => one.id === id)?.name ?? String(id);
}

/** @param {string} effect @param {AlertDetail} detail @param {Entry["data"]} data whom it was about */
function effectWords(effect, detail, data) {
  const about = { group: word("group", String(data.group)), contact: contactName(data.contact, detail) };
  return has(`effect.${effect}`) ? t(`effect.${effect}`, about) : effect;
}

/** How a value of an entry is said; anything else is said as it is.
 * @type {Record<string, (value: string, detail: AlertDetail, data: Entry["data"]) => string>} */
const SPOKEN = {
  outcome: (value) => word("outcome", value),
  outcome_before: (value) => word("outcome", value),
  rung: (value) => word("rung", value),
  kind: (value) => word("kind", value),
  effect: effectWords,
  reason: (value) => word("reason", value),
  to: operatorName,
  from: operatorName,
  operator: operatorName,
  contact: contactName,
};

/** @param {Entry} entry @param {AlertDetail} detail */
export function sentence(entry, detail) {
  const values = Object.entries(entry.data)
    .filter(([, value]) => value !== null && value !== "")
    .map(([name, value]) => [name, SPOKEN[name]?.(String(value), detail, entry.data) ?? value]);
  const key = `rule.${entry.rule}`;
  return has(key) ? t(key, { ...Object.fromEntries(values), actor: actorName(entry.actor) }) : entry.rule;
}

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
        const said = sentence(entry, detail);
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
