// The one line that tells the operator how the last command went. It stays until the next one or
// until it is dismissed: nobody has to be quick to read it.
import { signal } from "@preact/signals";

/** @typedef {{ tone: "info" | "warning", key: string, values: Record<string, unknown> }} Notice */

// Key and values, not text: a notice follows a change of language.
export const notice = signal(/** @type {Notice | null} */ (null));

/** @param {string} key @param {Record<string, unknown>} [values] */
export function inform(key, values = {}) {
  notice.value = { tone: "info", key, values };
}

/** @param {string} key @param {Record<string, unknown>} [values] */
export function warn(key, values = {}) {
  notice.value = { tone: "warning", key, values };
}

export function dismissNotice() {
  notice.value = null;
}
