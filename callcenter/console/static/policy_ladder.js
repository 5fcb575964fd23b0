// A policy as people read it: who is asked when, what rings while nobody has an alert, and where it is otherwise.
import { language, t, word } from "./i18n.js";
import { html } from "./markup.js";

/** @typedef {import("console-api").PolicyShown} PolicyShown */
/** @typedef {import("console-api").PolicyLevel} PolicyLevel */
/** @typedef {import("console-api").PolicyLadder} PolicyLadder */
/** @typedef {import("console-api").PolicyOverride} PolicyOverride */

/** @param {string} prefix @param {string[]} words */
const names = (prefix, words) => new Intl.ListFormat(language.value).format(words.map((one) => word(prefix, one)));

/** Seconds as people say them. @param {number} s */
const seconds = (s) => s >= 7200 && s % 3600 === 0 ? t("policy.hours", { n: s / 3600 })
  : s >= 120 && s % 60 === 0 ? t("policy.minutes", { n: s / 60 }) : t("policy.seconds", { n: s });

/** @param {PolicyLevel} level */
const levelText = (level) => t("policy.level_text", {
  kinds: names("responder_kind", level.kinds), wave: level.wave_size, deadline: seconds(level.deadline_s),
});

/** @param {{ levels: PolicyLevel[] }} props */
function Levels({ levels }) {
  return html`<ol class="policy-steps">${levels.map((level) => html`<li key=${level.id}>
    <strong>${word("level", level.id)}</strong> ${levelText(level)}
  </li>`)}</ol>`;
}

/** @param {{ ladder: PolicyLadder }} props */
function Ladder({ ladder }) {
  return html`<ol class="policy-steps">
    ${ladder.rungs.map(({ id, after_s, phone }) => html`<li key=${id}>
      <strong>${seconds(after_s)}</strong> ${phone ? t("policy.phones", { group: word("group", phone) }) : word("policy_rung", id)}
    </li>`)}
    <li>${t("policy.repeats", { every: seconds(ladder.repeat_s) })}</li>
  </ol>`;
}

/** @param {{ limits: Record<string, number> }} props */
function Limits({ limits }) {
  return html`<dl class="policy-limits">${Object.entries(limits).map(([name, value]) => html`<div key=${name}>
    <dt>${word("policy_limit", name)}</dt><dd>${name.endsWith("_s") ? seconds(value) : value}</dd>
  </div>`)}</dl>`;
}

/** For whom it is otherwise. @param {PolicyOverride} one */
function scope(one) {
  const parts = [
    one.area ? t("policy.in_area", { area: one.area_name ?? one.area }) : t("policy.everywhere"),
    one.kinds.length ? names("kind", one.kinds) : t("policy.all_kinds"),
    one.hours || t("policy.always"),
  ];
  return parts.join(" · ");
}

/** @param {{ one: PolicyOverride }} props */
function Override({ one }) {
  return html`<li><h4>${scope(one)} <small>${one.id}</small></h4>
    ${Object.keys(one.limits).length > 0 && html`<${Limits} limits=${one.limits} />`}
    ${one.levels.length > 0 && html`<${Levels} levels=${one.levels} />`}
    ${one.ladder && html`<${Ladder} ladder=${one.ladder} />`}
  </li>`;
}

/** @param {{ policy: PolicyShown }} props */
export function PolicyShown({ policy }) {
  return html`<div class="policy-shown">
    <section><h3>${t("policy.levels")}</h3><p>${t("policy.levels_hint")}</p><${Levels} levels=${policy.levels} /></section>
    ${policy.ladders.map((ladder) => html`<section key=${ladder.kinds.join()}>
      <h3>${t("policy.ladder", { kinds: names("kind", ladder.kinds) })}</h3><${Ladder} ladder=${ladder} />
    </section>`)}
    <section><h3>${t("policy.limits")}</h3><${Limits} limits=${policy.limits} /></section>
    <section><h3>${t("policy.overrides")}</h3>
      ${policy.overrides.length ? html`<p>${t("policy.overrides_hint")}</p>
        <ul class="policy-overrides">${policy.overrides.map((one) => html`<${Override} key=${one.id} one=${one} />`)}</ul>`
        : html`<p>${t("policy.no_overrides")}</p>`}
    </section>
  </div>`;
}
