// The one line that tells the operator how the last command went. It stays until the next one or
// until it is dismissed: nobody has to be quick to read it.
import { signal } from "@preact/signals";

/** @typedef {{ tone: "info" | "warning", key: string, values: Record<string, unknown>, lasting: boolean }} Notice */

// Key and values, not text: a notice follows a change of language.
export const notice = signal(/** @type {Notice | null} */ (null));

/** Good news never takes the place of a warning that has to be read.
 * @param {string} key @param {Record<string, unknown>} [values] */
export function inform(key, values = {}) {
  if (!notice.value?.lasting) notice.value = { tone: "info", key, values, lasting: false };
}

/** @param {string} key @param {Record<string, unknown>} [values] */
export function warn(key, values = {}) {
  notice.value = { tone: "warning", key, values, lasting: false };
}

/** Something was not done although it looked so: said until the operator does something else.
 * @param {string} key @param {Record<string, unknown>} [values] */
export function warnLastingly(key, values = {}) {
  notice.value = { tone: "warning", key, values, lasting: true };
}

export function dismissNotice() {
  notice.value = null;
}
