// What the page of the register knows: what was found, the record that is open, and what is typed into it. What is typed
// lives outside the drawing and by record: neither an error, nor a colleague, nor another record costs a word.
import { effect, signal } from "@preact/signals";
import { addRecord, confirmFacts, getAreas, getRecord, getRegister, putConsent, putRecord } from "./api.js";
import { has } from "./i18n.js";
import { blank } from "./register_fields.js";
import { troubleOf } from "./report_frame.js";
import { session } from "./session.js";

/** @typedef {import("./register_fields.js").RegisterName} RegisterName */
/** @typedef {import("console-api").RegisterChange} RegisterChange */
/** @typedef {Record<string, any>} Facts */
/** @typedef {{ register: RegisterName, id: string, version: number | null, facts: Facts, history: RegisterChange[] }
 *   & Partial<Pick<import("console-api").ResidentRecord, "known" | "due" | "consents" | "devices" | "housemates">>} Open */

export const MOST = 50;

export const register = signal(/** @type {RegisterName} */ ("residents"));
export const found = signal(/** @type {Facts[] | null} */ (null));
export const areas = signal(/** @type {import("console-api").Area[]} */ ([]));
export const record = signal(/** @type {Open | null} */ (null));
export const draft = signal(/** @type {Facts} */ ({}));
/** Field -> what is wrong with it. Here, and of what is said of a save, keys: whoever switches the language sees theirs. */
export const faults = signal(/** @type {Record<string, string>} */ ({}));
/** What somebody else has changed while this was being typed. */
export const meanwhile = signal(/** @type {RegisterChange[]} */ ([]));
export const trouble = signal("");
export const said = signal("");
export const busy = signal(false);

/** @type {Map<string, { base: Facts, draft: Facts }>} */
const kept = new Map();

/** @param {unknown} a @param {unknown} b */
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
/** @param {{ register: string, id: string }} one */
const nameOf = (one) => `${one.register}/${one.id}`;

/** @param {string} fact */
export const isTyped = (fact) => !same(draft.value[fact], record.value?.facts[fact]);
export const isDirty = () => record.value !== null && Object.keys(draft.value).some(isTyped);

function tidy() {
  faults.value = {};
  meanwhile.value = [];
  trouble.value = "";
  said.value = "";
}

/** What was typed, put onto the record as it is now: what was not touched is as the others say.
 * @param {Facts} typed @param {Facts} base @param {Facts} now */
function rebased(typed, base, now) {
  const mine = Object.entries(typed).filter(([fact, value]) => !same(value, base[fact]));
  return { ...blank(register.value), ...now, ...Object.fromEntries(mine) };
}

/** @param {Open} one */
function show(one) {
  const before = kept.get(nameOf(one));
  record.value = { ...one, facts: { ...blank(one.register), ...one.facts } };
  draft.value = before ? rebased(before.draft, before.base, one.facts) : structuredClone(record.value.facts);
}

/** @param {import("./api.js").Answer<any>} answer */
function tell(answer) {
  trouble.value = answer.ok ? "" : answer.why === "refused" ? troubleOf(answer) : "register.unreached";
  if (!answer.ok && answer.why === "signed_out") troubleOf(answer);
}

let looking = 0;

/** @param {RegisterName} where @param {string} text */
export async function search(where, text) {
  if (where !== register.value) close();
  register.value = where;
  const mine = looking += 1;
  const answer = await (where === "areas" ? getAreas() : getRegister(where, text, MOST));
  if (mine !== looking) return;
  tell(answer);
  if (!answer.ok) return;
  const rows = /** @type {Facts[]} */ (/** @type {any} */ (answer.body)[where]);
  const fits = (/** @type {Facts} */ row) => where !== "areas" || `${row.name} ${row.id}`.includes(text);
  found.value = rows.filter(fits).slice(0, MOST);
}

export async function readAreas() {
  const answer = await getAreas();
  if (answer.ok) areas.value = answer.body.areas;
}

/** @param {string} id */
export async function open(id) {
  const where = register.value;
  const answer = await getRecord(where, id);
  tidy();
  tell(answer);
  if (answer.ok && where === register.value) show(answer.body);
}

export function close() {
  record.value = null;
  found.value = null;
  tidy();
}

/** A record that is to be made. */
export function begin() {
  tidy();
  show({ register: register.value, id: "", version: null, facts: blank(register.value), history: [] });
}

/** @param {string} fact @param {unknown} value */
export function type(fact, value) {
  const one = record.value;
  if (!one) return;
  draft.value = { ...draft.value, [fact]: value };
  said.value = "";
  kept.set(nameOf(one), { base: one.facts, draft: draft.value });
}

export function discard() {
  if (!record.value) return;
  kept.delete(nameOf(record.value));
  draft.value = structuredClone(record.value.facts);
  tidy();
}

/** What is sent: a household that is not named and a password that is not changed are not said.
 * @param {Facts} facts */
function sent(facts) {
  const optional = ["household_id", "password"];
  const of = record.value?.register;
  const left = Object.entries(facts).filter(([fact, value]) =>
    value !== "" || !optional.includes(fact) || (fact === "household_id" && of === "devices"));
  return Object.fromEntries(left);
}

/** The key of its words: what is wrong beside other records, else what the fact may be.
 * @param {{ field: string, code: string }} fault */
const inWords = ({ field, code }) =>
  [`register_fault.${code}`, `fact_rule.${field.split(".").at(-1)}`].find(has) ?? "fact_rule.other";

/** After a refusal the first field that is wrong has the focus. @param {any} problem */
function pointAt(problem) {
  faults.value = Object.fromEntries(problem.faults.map((/** @type {any} */ one) => [one.field, inWords(one)]));
  trouble.value = "register.faulty";
  requestAnimationFrame(() => /** @type {HTMLElement | null} */ (document.querySelector('[aria-invalid="true"]'))?.focus());
}

/** @param {import("./api.js").Answer<any>} answer what the centre says to a change @param {string} words of success, their key */
async function settle(answer, words) {
  busy.value = false;
  const one = record.value;
  if (!one) return;
  if (answer.ok) {
    tidy();
    show(answer.body);
    said.value = words;
    return;
  }
  const problem = /** @type {any} */ (answer.problem);
  if (problem?.faults) return pointAt(problem);
  if (problem?.code === "exists") return (trouble.value = "register.exists");
  tell(answer);
  if (problem?.code !== "stale_version") return;
  kept.set(nameOf(one), { base: one.facts, draft: draft.value });
  const now = await getRecord(one.register, one.id);
  if (now.ok) show(now.body);
  meanwhile.value = problem.changed;
  trouble.value = "register.meanwhile";
}

/** @param {string} id of a new record; empty: the centre gives one */
export async function save(id) {
  const one = record.value;
  if (!one || busy.value) return;
  busy.value = true;
  const facts = sent(draft.value);
  const answer = one.version === null
    ? await addRecord(one.register, { ...(id && { id }), facts })
    : await putRecord(one.register, one.id, { version: one.version, facts });
  if (answer.ok) kept.delete(nameOf(one));
  await settle(answer, "register.saved");
}

/** @param {string} fact */
export async function confirm(fact) {
  const one = record.value;
  if (!one || one.version === null || busy.value) return;
  busy.value = true;
  await settle(await confirmFacts(one.id, { version: one.version, facts: [fact] }), "register.confirmed");
}

/** @param {string} purpose @param {import("console-api").ConsentSaid} word */
export async function consent(purpose, word) {
  const one = record.value;
  if (!one || busy.value) return;
  busy.value = true;
  await settle(await putConsent(one.id, purpose, word), "register.saved");
}

/** A device is handed to the resident who is open, or (`to` empty) taken back.
 * @param {string} device @param {string} to */
export async function hand(device, to) {
  const one = record.value;
  if (!one || busy.value) return;
  busy.value = true;
  const now = await getRecord("devices", device);
  const given = now.ok
    ? await putRecord("devices", device, { version: now.body.version, facts: { ...now.body.facts, resident_id: to } })
    : now;
  busy.value = false;
  if (!given.ok && given.status === 404) trouble.value = "register.no_device";
  else if (!given.ok) tell(given);
  else await settle(await getRecord("residents", one.id), "register.saved");
}

let whose = "";

// Whoever signs in again finds what they typed; somebody else must not, and sees nothing of what was found.
effect(() => {
  const who = session.value?.operator.id ?? whose;
  if (who === whose) return;
  whose = who;
  kept.clear();
  draft.value = {};
  close();
});
