// Words, numbers and times in the operator's language. A catalogue is one flat JSON file; `{name}`
// marks a value. Everything drawn reads `language`, so switching redraws and loses nothing.
import { signal } from "@preact/signals";

/** @typedef {"zh-CN" | "en"} Language */
/** @typedef {Record<string, unknown>} Values */

/** @type {readonly Language[]} */
export const LANGUAGES = ["zh-CN", "en"];

const REMEMBERED = "console.language";

/** @type {Map<string, Record<string, string>>} */
const catalogues = new Map();

/** @type {import("@preact/signals").Signal<Language>} */
export const language = signal("en");

/** @param {string | null} name @returns {name is Language} */
function known(name) {
  return LANGUAGES.some((one) => one === name);
}

export async function loadCatalogues() {
  await Promise.all(LANGUAGES.map(async (name) => {
    const answer = await fetch(`/static/i18n/${name}.json`);
    catalogues.set(name, await answer.json());
  }));
  const remembered = localStorage.getItem(REMEMBERED);
  const offered = document.documentElement.lang;
  setLanguage(known(remembered) ? remembered : known(offered) ? offered : "en");
}

/** @param {Language} name */
function setLanguage(name) {
  document.documentElement.lang = name;
  language.value = name;
}

/** @param {string} name */
export function switchLanguage(name) {
  if (!known(name)) return;
  localStorage.setItem(REMEMBERED, name);
  setLanguage(name);
}

/** @param {string} key */
export function has(key) {
  return key in (catalogues.get(language.value) ?? {});
}

/** A value nobody gave is shown as a dash: a sentence with a hole would read as if it were whole.
 * @param {string} key @param {Values} [values] */
export function t(key, values = {}) {
  const text = catalogues.get(language.value)?.[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? "—"));
}

/** Making one costs more than everything else a sentence needs.
 * @type {Map<Language, Intl.PluralRules>} */
const rules = new Map();

/** @param {number} n */
function form(n) {
  const known = rules.get(language.value) ?? new Intl.PluralRules(language.value);
  rules.set(language.value, known);
  return known.select(n);
}

/** The plural form of `key` for `n`: `key.one`, `key.other`; `{n}` is the number.
 * @param {string} key @param {number} n @param {Values} [values] */
export function plural(key, n, values = {}) {
  const exact = `${key}.${form(n)}`;
  return t(has(exact) ? exact : `${key}.other`, { ...values, n });
}

/** The translation of `prefix.word`, or the word itself when it is new to us.
 * @param {string} prefix @param {string} word */
export function word(prefix, word) {
  return has(`${prefix}.${word}`) ? t(`${prefix}.${word}`) : word;
}

/** @type {Record<string, Intl.DateTimeFormatOptions>} */
const SHAPES = {
  time: { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" },
  minute: { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  day_of_year: { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  day: { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
};
/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/** @param {string} shape @param {Date} at */
function formatted(shape, at) {
  const name = `${language.value} ${shape}`;
  const format = formats.get(name) ?? new Intl.DateTimeFormat(language.value, SHAPES[shape]);
  formats.set(name, format);
  return format.format(at);
}

/** Local 24 h time; with the date when it was not today, and with its year when that was another one.
 * @param {string} iso @param {number} today milliseconds of now */
export function clockTime(iso, today) {
  const at = new Date(iso);
  const here = new Date(today);
  if (at.toDateString() === here.toDateString()) return formatted("time", at);
  return formatted(at.getFullYear() === here.getFullYear() ? "day" : "day_of_year", at);
}

/** Local 24 h time to the minute, for the clock on the page.
 * @param {number} at milliseconds */
export function minuteTime(at) {
  return formatted("minute", new Date(at));
}

/** How long ago, in words and to the unit that matters: a figure like 15:00 would read as a time of day.
 * @param {number} ms */
export function roughly(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return plural("duration.seconds", seconds);
  if (seconds < 3600) return plural("duration.minutes", Math.floor(seconds / 60));
  return duration(ms);
}

/** How long: `0:42` under an hour, then words.
 * @param {number} ms */
export function duration(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (minutes < 60) return `${minutes}:${String(seconds % 60).padStart(2, "0")}`;
  if (hours < 48) return t("duration.hours", { h: hours, m: minutes % 60 });
  return plural("duration.days", Math.floor(hours / 24));
}
