// What the page of the policies knows: the versions, the one that is shown, and the draft of a supervisor.
import { signal } from "@preact/signals";
import { checkPolicy, getPolicies, getPolicy, putPolicy } from "./api.js";
import { t } from "./i18n.js";
import { troubleOf } from "./report_frame.js";

/** @typedef {import("console-api").PolicyList} PolicyList */
/** @typedef {import("console-api").Policy} Policy */
/** @typedef {import("console-api").PolicyCheck} PolicyCheck */

export const list = signal(/** @type {PolicyList | null} */ (null));
export const shown = signal(/** @type {Policy | null} */ (null));
export const trouble = signal("");
/** null: nobody edits. */
export const draft = signal(/** @type {string | null} */ (null));
/** Of exactly the draft's text; null: not checked, or changed since. */
export const checked = signal(/** @type {PolicyCheck | null} */ (null));
export const busy = signal("");
export const said = signal("");

/** @param {import("./api.js").Answer<any>} answer */
function tell(answer) {
  trouble.value = answer.ok ? "" : answer.problem?.detail ?? troubleOf(answer);
  if (!answer.ok) troubleOf(answer);
}

/** @param {number} version */
export async function show(version) {
  const answer = await getPolicy(version);
  tell(answer);
  if (answer.ok) shown.value = answer.body;
}

export async function begin() {
  const answer = await getPolicies();
  tell(answer);
  if (!answer.ok) return;
  list.value = answer.body;
  await show(answer.body.in_force);
}

/** @param {string | null} text */
export function edit(text) {
  draft.value = text;
  checked.value = null;
  said.value = "";
}

export async function check() {
  const text = draft.value ?? "";
  busy.value = "check";
  said.value = "";
  const answer = await checkPolicy(text);
  busy.value = "";
  tell(answer);
  if (answer.ok && draft.value === text) checked.value = answer.body;
}

/** @param {string} note */
export async function putIntoForce(note) {
  const text = draft.value ?? "";
  if (!checked.value || busy.value) return;
  const { sha256, base } = checked.value;
  busy.value = "put";
  const answer = await putPolicy({ text, sha256, base, note });
  busy.value = "";
  if (!answer.ok) return tell(answer);
  edit(null);
  await begin();
  said.value = t("policy.stored", { version: answer.body.version });
}
