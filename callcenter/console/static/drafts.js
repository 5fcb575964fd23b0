// What an operator has begun to type, by alert and action. It lives outside the drawing, so neither a
// language switch, nor another alert, nor a lost connection costs a word. Kept in memory only:
// it is about a person.
import { signal } from "@preact/signals";

/** @typedef {Record<string, string>} Draft */

/** @type {Map<string, import("@preact/signals").Signal<Draft>>} */
const drafts = new Map();

/** Which form is open, by alert. */
const forms = signal(/** @type {Record<string, string | undefined>} */ ({}));

/** @param {string} alertId @param {string} action */
export function draftOf(alertId, action) {
  const key = `${alertId} ${action}`;
  const found = drafts.get(key) ?? signal(/** @type {Draft} */ ({}));
  drafts.set(key, found);
  return found;
}

/** @param {string} alertId @param {string} action */
export function dropDraft(alertId, action) {
  drafts.delete(`${alertId} ${action}`);
}

/** @param {string} alertId */
export function openForm(alertId) {
  return forms.value[alertId] ?? null;
}

/** @param {string} alertId @param {string | null} action */
export function showForm(alertId, action) {
  forms.value = { ...forms.value, [alertId]: action ?? undefined };
}

export function forgetDrafts() {
  drafts.clear();
  forms.value = {};
}
