// What the heat map of the coverage shows, reckoned from the centre's answer: two hours a column, and in each row
// stretches of one day in which the same levels are wanting.
import { zoned, zonedDay } from "./zoned.js";

/** @typedef {import("console-api").Coverage} Coverage */
/** @typedef {import("console-api").CoverageArea} CoverageArea */
/** @typedef {{ first: number, past: number, wanting: number[] }} Run columns [first, past), and which levels, by number */

const HOUR_MS = 3_600_000;
export const COLUMN_MS = 2 * HOUR_MS;

/** The beginning of each column: from the even hour in which it was checked to the end.
 * @param {Coverage} coverage */
export function columnsOf({ from, until, time_zone }) {
  const [hour, minute] = zoned(Date.parse(from), time_zone).slice(11).split(":").map(Number);
  const whole = Math.floor(Date.parse(from) / 60_000) * 60_000;
  const start = whole - ((hour ?? 0) % 2) * HOUR_MS - (minute ?? 0) * 60_000;
  const columns = [];
  for (let at = start; at < Date.parse(until); at += COLUMN_MS) columns.push(at);
  return columns;
}

/** Columns that belong together, in order: those of which `name` says the same.
 * @param {number[]} columns @param {(at: number) => string} name */
export function groups(columns, name) {
  /** @type {{ name: string, first: number, count: number }[]} */
  const found = [];
  columns.forEach((at, first) => {
    const last = found.at(-1);
    if (last && last.name === name(at)) last.count += 1;
    else found.push({ name: name(at), first, count: 1 });
  });
  return found;
}

/** @param {number[]} columns @param {string} timeZone */
export const daysOf = (columns, timeZone) => groups(columns, (at) => zonedDay(at, timeZone));

/** Quarters of days; the first may be cut. @param {number[]} columns @param {string} timeZone */
export const quartersOf = (columns, timeZone) => groups(columns, (at) => {
  const [day, time] = zoned(at, timeZone).split(" ");
  return `${day} ${Math.floor(Number(time?.slice(0, 2)) / 6)}`;
});

/** Which levels are wanting in each column, as bits: a hole of a minute marks its two hours.
 * @param {CoverageArea} area @param {Coverage} coverage @param {number[]} columns */
function marks(area, coverage, columns) {
  const found = columns.map(() => 0);
  const start = columns[0] ?? 0;
  coverage.levels.forEach(({ id }, level) => {
    for (const [from, until] of area.gaps[id] ?? []) {
      const first = Math.max(0, Math.floor((Date.parse(from ?? "") - start) / COLUMN_MS));
      const past = Math.min(columns.length, Math.ceil((Date.parse(until ?? "") - start) / COLUMN_MS));
      for (let column = first; column < past; column += 1) found[column] = (found[column] ?? 0) | (1 << level);
    }
  });
  return found;
}

/** One row, cut where it changes and at midnight.
 * @param {CoverageArea} area @param {Coverage} coverage @param {number[]} columns @returns {Run[]} */
export function runsOf(area, coverage, columns) {
  const marked = marks(area, coverage, columns);
  const cuts = new Set(daysOf(columns, coverage.time_zone).map(({ first }) => first));
  /** @type {Run[]} */
  const runs = [];
  marked.forEach((bits, column) => {
    const last = runs.at(-1);
    if (last && bits === marked[column - 1] && !cuts.has(column)) last.past += 1;
    else runs.push({ first: column, past: column + 1, wanting: coverage.levels.flatMap((_, n) => bits & (1 << n) ? [n] : []) });
  });
  return runs;
}
