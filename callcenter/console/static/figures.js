// Figures and the names of rows, in the operator's language.
import { language, t, word } from "./i18n.js";

/** @typedef {import("console-api").Statistic} Statistic */
/** @typedef {import("console-api").StatisticRow} StatisticRow */

/** @param {number | null} value @param {import("console-api").Unit} unit */
export function figureText(value, unit) {
  if (value === null) return "—";
  if (unit === "share") return value.toLocaleString(language.value, { style: "percent", maximumFractionDigits: 1 });
  const number = value.toLocaleString(language.value, { maximumFractionDigits: 1 });
  return unit === "seconds" ? t("statistics.seconds", { n: number }) : number;
}

/** Where the words of a grouping stand in the catalogue; calls and alerts end in different ways.
 * @param {Statistic} statistic */
function wordsOf({ by, measure }) {
  const ofAlerts = measure.groupings.includes("kind");
  return by === "outcome" && !ofAlerts ? "call_outcome" : by;
}

/** @param {Statistic} statistic @param {StatisticRow} row */
export function rowName(statistic, row) {
  const { by } = statistic;
  if (!row.key) return t(by === "outcome" ? "statistics.not_over" : "statistics.unknown");
  if (by === "hour") return row.key.slice(0, 16).replace("T", " ");
  if (by === "day" || by === "month") return row.key;
  return row.name ?? word(wordsOf(statistic), row.key);
}

/** The same, short enough for a chart: the hour of the day, the day of the month.
 * @param {Statistic} statistic @param {StatisticRow} row */
export function shortName(statistic, row) {
  const name = rowName(statistic, row);
  if (statistic.by === "hour") return statistic.from === statistic.to ? name.slice(11) : name.slice(5, 13);
  return statistic.by === "day" ? name.slice(5) : name;
}
