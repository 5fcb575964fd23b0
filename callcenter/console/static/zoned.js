// Instants in the centre's time zone: weekly hours and holidays are meant in it, wherever the browser stands.
import { language } from "./i18n.js";

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/** @param {string} locale @param {Intl.DateTimeFormatOptions} shape @param {number} at milliseconds */
function formatted(locale, shape, at) {
  const name = `${locale} ${JSON.stringify(shape)}`;
  const format = formats.get(name) ?? new Intl.DateTimeFormat(locale, shape);
  formats.set(name, format);
  return format.format(at);
}

/** Like 2026-11-22 08:00. @param {number} at milliseconds @param {string} timeZone */
export function zoned(at, timeZone) {
  /** @type {Intl.DateTimeFormatOptions} */
  const shape = { timeZone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" };
  return formatted("sv-SE", { ...shape, hourCycle: "h23" }, at);
}

/** A day with its name, in the operator's language. @param {number} at milliseconds @param {string} timeZone */
export function zonedDay(at, timeZone) {
  return formatted(language.value, { timeZone, weekday: "short", month: "numeric", day: "numeric" }, at);
}
