// Commands to the centre. Nothing is shown as done before the centre has said so: "mine" is only what
// the centre calls mine.
import { signal } from "@preact/signals";
import * as api from "./api.js";
import { alertOf, takeAlert } from "./alert_book.js";
import { detail, openAlert, openedId, refreshDetail } from "./detail.js";
import { dropDraft, openForm, showForm } from "./drafts.js";
import { wishFocus } from "./focus.js";
import { dismissNotice, inform, warn } from "./notice.js";
import { nextStep } from "./actions.js";
import { passive } from "./one_console.js";
import { session, sessionEnded } from "./session.js";

/** @typedef {import("console-api").Action} Action */
/** @typedef {import("console-api").ActionName} ActionName */
/** @typedef {import("console-api").Conflict} Conflict */
/** @typedef {{ action: ActionName, slow: boolean }} Pending */

const SLOW_MS = 3_000;

/** Commands on their way, by alert. */
export const pending = signal(/** @type {Record<string, Pending | undefined>} */ ({}));

const me = () => session.value?.operator.id ?? "";

/** @param {string} id @param {Pending | undefined} state */
function mark(id, state) {
  pending.value = { ...pending.value, [id]: state };
}

/** @param {string} id */
function seenVersion(id) {
  const shown = detail.value?.id === id ? detail.value.data?.alert.version : undefined;
  return Math.max(alertOf(id)?.version ?? 0, shown ?? 0) || undefined;
}

/** Said of the world, not of the record: a press that came in between does not make it less true. */
const TRUE_ANYWAY = new Set(["no_voice", "dispatch", "hand_over"]);

/** Whether an action is as right as before although the alert has changed meanwhile.
 * @param {ActionName} action @param {Conflict} conflict */
function stillRight(action, conflict) {
  if (conflict.code !== "stale_version") return false;
  if (action === "claim") return conflict.owner === null;
  return TRUE_ANYWAY.has(action) && conflict.owner?.id === me();
}

/** @param {string} id @param {Action} action */
async function post(id, action) {
  const answer = await api.postAction(id, action);
  if (!answer.ok && answer.why === "conflict" && stillRight(action.action, answer.problem)) {
    return api.postAction(id, { ...action, version: answer.problem.alert.version });
  }
  return answer;
}

/** @param {Conflict} conflict @param {ActionName} action */
function tellConflict(conflict, action) {
  takeAlert(conflict.alert);
  // Who claims and comes too late saw an old version too; what counts is who has it.
  const code = action === "claim" && conflict.owner ? "lost_race" : conflict.code;
  warn(`conflict.${code}`, {
    owner: conflict.owner?.name,
    name: conflict.alert.resident_name || conflict.alert.device_id,
    detail: conflict.detail,
  });
}

/** @type {Record<string, string>} */
const TROUBLES = {
  unreachable: "command.unreachable",
  unavailable: "command.unavailable",
  busy: "command.busy",
};

/** @param {string} why a request failed */
export const troubleKey = (why) => TROUBLES[why] ?? "command.refused";

/** @param {Awaited<ReturnType<typeof api.postAction>>} answer @param {ActionName} action @returns {boolean} */
function settled(answer, action) {
  if (answer.ok) {
    takeAlert(answer.body.alert);
    inform(`done.${action}`, { name: answer.body.alert.resident_name || answer.body.alert.device_id });
    return true;
  }
  if (answer.why === "signed_out") {
    sessionEnded();
    return false;
  }
  if (answer.why === "conflict") {
    // Two clicks, or an answer that was lost on the way: it is ours, which is what was wanted.
    const ours = action === "claim" && answer.problem.owner?.id === me();
    tellConflict(answer.problem, action);
    if (ours) inform("done.claim", { name: answer.problem.alert.resident_name });
    return ours;
  }
  warn(troubleKey(answer.why), { detail: answer.problem?.detail });
  return false;
}

/** Does one action and tells how it went. One command at a time for each alert.
 * @param {string} id @param {ActionName} action @param {Partial<Action>} [fields] @returns {Promise<boolean>} */
export async function act(id, action, fields = {}) {
  if (pending.value[id]) return false;
  if (passive.value) {
    warn("why_not.elsewhere");
    return false;
  }
  dismissNotice();
  mark(id, { action, slow: false });
  const slow = setTimeout(() => {
    mark(id, { action, slow: true });
    warn(action === "claim" ? "command.claim_slow" : "command.slow");
  }, SLOW_MS);
  const answer = await post(id, { ...fields, action, version: seenVersion(id) });
  clearTimeout(slow);
  mark(id, undefined);
  const done = settled(answer, action);
  if (done) {
    dropDraft(id, action);
    if (openForm(id) === action) showForm(id, null); // not one that was opened meanwhile
  }
  if (openedId.value === id) refreshDetail();
  return done;
}

/** @param {string} id of the alert with which the script goes on: at its next step, or back in the list */
function goOn(id) {
  const alert = alertOf(id);
  const step = alert && nextStep(alert, me());
  wishFocus(step && openedId.value === id ? `action-${step}` : "alert-list");
}

/** @param {string} id @param {ActionName} action @param {Partial<Action>} [fields] */
export async function actAndGoOn(id, action, fields) {
  const done = await act(id, action, fields);
  if (done && (action === "claim" || action === "take_over")) openAlert(id);
  if (done) goOn(id);
  return done;
}
