// Leaving: what this operator still has goes to a colleague who says yes, or is left with a reason. Signing out is never
// impossible; the centre itself rings for what is left (handlers/operator_actions.py).
import { computed, signal } from "@preact/signals";
import { ownedBy } from "./alert_book.js";
import { leaveAlert, openedId } from "./detail.js";
import { wishFocus } from "./focus.js";
import { warn } from "./notice.js";
import { session, signOut } from "./session.js";

/** @typedef {import("console-api").LiveEntry} LiveEntry */

const wanted = signal(false);
const busy = signal(false);

/** Whether the way out is shown. An alert that is opened meanwhile stands before it. */
export const leaving = computed(() => wanted.value && openedId.value === null);

/** What became of what colleagues were asked, by alert: the newest entry. */
export const answers = signal(/** @type {Record<string, LiveEntry>} */ ({}));

/** Why something is left; it is about people, so it is kept in memory only. */
export const reason = signal("");

/** @param {LiveEntry} entry */
export function hearAnswer(entry) {
  const { alert, alert_id: id, data, rule } = entry;
  const me = session.value?.operator.id;
  if (!wanted.value || !alert || !id || !rule.startsWith("transfer.") || alert.transfer) return;
  if (data.from === me || alert.owner?.id === me) answers.value = { ...answers.value, [id]: entry };
}

/** At once where nothing is left behind. */
export function wantToLeave() {
  if (ownedBy(session.value?.operator.id ?? "").length === 0) return leave();
  answers.value = {};
  leaveAlert();
  wanted.value = true;
  wishFocus("leaving-heading");
}

export function stay() {
  wanted.value = false;
}

/** Somebody else may sign in here next. */
export function forgetLeaving() {
  stay();
  answers.value = {};
  reason.value = "";
}

/** @param {string} [why] */
export async function leave(why = "") {
  if (busy.value) return;
  busy.value = true;
  if (!await signOut(why)) warn("sign_out.failed");
  busy.value = false;
}
