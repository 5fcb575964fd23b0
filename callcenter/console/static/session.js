// Who is signed in, and why nobody is.
import { signal } from "@preact/signals";
import * as api from "./api.js";

/** @typedef {import("console-api").Session} Session */

/** undefined: not known yet; null: nobody. */
export const session = signal(/** @type {Session | null | undefined} */ (undefined));

/** True when a session ended although nobody signed out: the sign-in form then says so loudly. */
export const endedUnasked = signal(false);

/** The centre could not be asked at all. */
export const unreachable = signal(false);

/** @param {import("console-api").Permission} what whether the role of who is signed in may do it */
export const may = (what) => session.value?.may.includes(what) ?? false;

/** Whoever is told when something is left undone. */
export const supervises = () => ["supervisor", "admin"].includes(session.value?.role ?? "");

export function sessionEnded() {
  if (!session.value) return;
  endedUnasked.value = true;
  session.value = null;
}

export async function askWhoIsSignedIn() {
  const answer = await api.whoAmI();
  unreachable.value = !answer.ok && answer.why !== "signed_out";
  if (answer.ok) session.value = answer.body;
  else if (answer.why === "signed_out") session.value = null;
}

/** After a lost connection, or when something happened on another page: only a plain "you are nobody", or that this
 * browser has become somebody else's, ends the session here.
 * @returns {Promise<void>} */
export async function checkSession() {
  const answer = await api.whoAmI();
  const before = session.value;
  if (!answer.ok && answer.why === "signed_out") sessionEnded();
  if (!answer.ok || !before) return;
  if (answer.body.operator.id !== before.operator.id) sessionEnded();
  else if (answer.body.since !== before.since) session.value = answer.body;
}

/** @type {Record<string, string>} */
const SIGN_IN_TROUBLES = {
  signed_out: "sign_in.wrong",
  busy: "sign_in.too_often",
  unreachable: "sign_in.unreachable",
  unavailable: "sign_in.unavailable",
};

/** The password was right, and a code is needed, or another one. @type {Record<string, string>} */
const CODE_TROUBLES = {
  second_factor: "sign_in.code_says",
  wrong_code: "factor.wrong_code",
  code_used: "factor.code_used",
  one_at_a_time: "sign_in.too_often",
};

/** @param {string} username @param {string} password @param {string} code of the second factor, once it is asked for
 * @returns {Promise<{ trouble: string, code: boolean } | null>} the catalogue key of what went wrong, and whether it
 *   was about the code */
export async function signIn(username, password, code) {
  const answer = await api.signIn(username, password, code);
  if (!answer.ok) {
    const asked = CODE_TROUBLES[answer.problem?.code ?? ""];
    return { trouble: asked ?? SIGN_IN_TROUBLES[answer.why] ?? "sign_in.refused", code: asked !== undefined };
  }
  endedUnasked.value = false;
  // The token in the answer is for programs; the browser has the cookie and keeps nothing else.
  const { token: _token, ...known } = answer.body;
  session.value = known;
  return null;
}

/** @param {string} [reason] why alerts are left that nobody has taken over
 * @returns {Promise<boolean>} whether the centre has ended the session */
export async function signOut(reason = "") {
  const answer = await (reason ? api.postLeaving(reason) : api.signOut());
  if (!answer.ok && answer.why !== "signed_out") return false;
  session.value = null;
  return true;
}
