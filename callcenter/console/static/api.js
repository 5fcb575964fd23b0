// Requests to the centre. Every outcome is a value: nothing here throws, so no caller can forget.

/** @typedef {import("console-api").Problem} Problem */
/** @typedef {import("console-api").Conflict} Conflict */
/**
 * @template T
 * @typedef {{ ok: true, body: T }
 *   | { ok: false, why: "conflict", status: number, problem: Conflict }
 *   | { ok: false, why: "refused" | "signed_out" | "busy" | "unavailable", status: number, problem: Problem | null }
 *   | { ok: false, why: "unreachable", status: 0, problem: null }} Answer
 */

const PATIENCE_MS = 10_000;

/** @type {Record<number, "signed_out" | "busy" | "unavailable">} */
const REASONS = { 401: "signed_out", 429: "busy", 503: "unavailable" };

/** @param {Response} response @returns {Promise<any>} */
async function parsed(response) {
  try {
    return await response.json();
  } catch {
    return null;
  }
}

/** @template T @param {Response} response @returns {Promise<Answer<T>>} */
async function understood(response) {
  const body = response.status === 204 ? null : await parsed(response);
  const { status } = response;
  if (response.ok) return { ok: true, body };
  if (status === 409 && body?.alert) return { ok: false, why: "conflict", status, problem: body };
  return { ok: false, why: REASONS[status] ?? "refused", status, problem: body };
}

/** @template T @param {string} method @param {string} path @param {unknown} [body] @returns {Promise<Answer<T>>} */
async function send(method, path, body) {
  try {
    const response = await fetch(`/api/v1${path}`, {
      method,
      body: body === undefined ? undefined : JSON.stringify(body),
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      credentials: "same-origin",
      cache: "no-store",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    return await understood(response);
  } catch {
    return { ok: false, why: "unreachable", status: 0, problem: null };
  }
}

/** @param {string} id */
const alertPath = (id) => `/alerts/${encodeURIComponent(id)}`;

/** @returns {Promise<Answer<import("console-api").Session>>} */
export const whoAmI = () => send("GET", "/session");

/** @param {string} username @param {string} password @param {string} code of the second factor; empty: not asked for yet
 * @returns {Promise<Answer<import("console-api").Session>>} */
export const signIn = (username, password, code) =>
  send("POST", "/session", { username, password, ...(code && { code }) });

/** @returns {Promise<Answer<null>>} */
export const signOut = () => send("DELETE", "/session");

/** @param {string} reason why alerts are left @returns {Promise<Answer<null>>} */
export const postLeaving = (reason) => send("POST", "/session/leave", { reason });

/** @param {string} password of whoever is signed in @returns {Promise<Answer<null>>} */
export const unlock = (password) => send("POST", "/session/unlock", { password });

/** @returns {Promise<Answer<import("console-api").SecondFactor>>} */
export const getFactor = () => send("GET", "/second-factor");

/** @param {string} password @returns {Promise<Answer<import("console-api").FactorSecret>>} */
export const beginFactor = (password) => send("POST", "/second-factor", { password });

/** @param {string} code @returns {Promise<Answer<{ recovery_codes: string[] }>>} */
export const confirmFactor = (code) => send("POST", "/second-factor/confirm", { code });

/** @param {string} password @param {string} code @returns {Promise<Answer<null>>} */
export const endFactor = (password, code) => send("POST", "/second-factor/end", { password, code });

/** @param {string} id of an operator @param {string} reason @returns {Promise<Answer<null>>} */
export const resetFactor = (id, reason) =>
  send("POST", `/operators/${encodeURIComponent(id)}/second-factor/reset`, { reason });

/** @param {string} id @returns {Promise<Answer<import("console-api").AlertDetail>>} */
export const getAlert = (id) => send("GET", alertPath(id));

/** @param {URLSearchParams} query
 * @returns {Promise<Answer<{ alerts: import("console-api").Alert[], before: string | null, count: number | null }>>} */
export const getPastAlerts = (query) => send("GET", `/past-alerts?${query}`);

/** @param {string} id @param {import("console-api").Action} action
 * @returns {Promise<Answer<{ alert: import("console-api").Alert, n: number }>>} */
export const postAction = (id, action) => send("POST", `${alertPath(id)}/actions`, action);

/** @returns {Promise<Answer<{ operators: import("console-api").OperatorPresence[] }>>} */
export const getOperators = () => send("GET", "/operators");

/** @returns {Promise<Answer<{ responders: import("console-api").Responder[] }>>} */
export const getHospitals = () => send("GET", "/responders?kind=hospital&limit=1000");

/** @param {URLSearchParams} query
 * @returns {Promise<Answer<{ calls: import("console-api").LoggedCall[], before: string | null }>>} */
export const getCalls = (query) => send("GET", `/calls?${query}`);

/** @returns {Promise<Answer<{ calls: import("console-api").LoggedCall[] }>>} */
export const getManualCalls = () => send("GET", "/manual-calls");

/** @returns {Promise<Answer<{ debts: import("console-api").OpenDebt[] }>>} */
export const getDebts = () => send("GET", "/debts");

/** @param {string} id @param {import("console-api").CallAction["action"]} action
 * @returns {Promise<Answer<{ call: import("console-api").Leg }>>} */
export const postCallAction = (id, action) => send("POST", `/calls/${encodeURIComponent(id)}/actions`, { action });

/** @param {string} id @param {import("console-api").Discharge} how @returns {Promise<Answer<null>>} */
export const postDischarge = (id, how) => send("POST", `/debts/${encodeURIComponent(id)}/discharge`, how);

/** @returns {Promise<Answer<import("console-api").OwnSeat>>} */
export const getSeat = () => send("GET", "/seat");

/** @param {import("console-api").OwnSeat} seat @returns {Promise<Answer<import("console-api").OwnSeat>>} */
export const putSeat = (seat) => send("PUT", "/seat", seat);

/** @returns {Promise<Answer<{ measures: import("console-api").Measure[] }>>} */
export const getMeasures = () => send("GET", "/statistics");

/** @param {string} measure @param {URLSearchParams} query
 * @returns {Promise<Answer<import("console-api").Statistic>>} */
export const getStatistic = (measure, query) => send("GET", `/statistics/${encodeURIComponent(measure)}?${query}`);

/** @param {"on" | "automatic"} mode @returns {Promise<Answer<import("console-api").FloodState>>} */
export const putFlood = (mode) => send("PUT", "/flood", { mode });

/** @param {boolean} rings people's telephones too @returns {Promise<Answer<null>>} */
export const putDrill = (rings) => send("PUT", "/drill", { rings });

/** @returns {Promise<Answer<null>>} */
export const deleteDrill = () => send("DELETE", "/drill");

/** @param {Record<string, unknown>} wanted @returns {Promise<Answer<{ alert: import("console-api").Alert }>>} */
export const postDrillAlert = (wanted) => send("POST", "/drill/alerts", wanted);

/** @param {string} reason @returns {Promise<Answer<{ until: string }>>} */
export const postBreakGlass = (reason) => send("POST", "/break-glass", { reason });

/** @returns {Promise<Answer<{ broken: import("console-api").BrokenGlass[] }>>} */
export const getBrokenGlass = () => send("GET", "/break-glass?state=all");

/** @param {string} id @param {string} note @returns {Promise<Answer<null>>} */
export const postReview = (id, note) => send("POST", `/break-glass/${encodeURIComponent(id)}/review`, { note });

/** @returns {Promise<Answer<import("console-api").Wall>>} */
export const getWall = () => send("GET", "/wall");

/** @returns {Promise<Answer<import("console-api").Room>>} */
export const getRoom = () => send("GET", "/room");

/** @returns {Promise<Answer<{ areas: import("console-api").Area[] }>>} */
export const getAreas = () => send("GET", "/areas");

/** @param {URLSearchParams} query @returns {Promise<Answer<import("console-api").Coverage>>} */
export const getCoverage = (query) => send("GET", `/coverage?${query}`);

/** @returns {Promise<Answer<{ incidents: import("console-api").Incident[] }>>} */
export const getIncidents = () => send("GET", "/incidents?state=all");

/** @param {string} id @returns {Promise<Answer<{ incident: import("console-api").Incident }>>} */
export const getIncident = (id) => send("GET", `/incidents/${encodeURIComponent(id)}`);

/** @param {import("console-api").NewIncident} incident
 * @returns {Promise<Answer<{ incident: import("console-api").Incident }>>} */
export const postIncident = (incident) => send("POST", "/incidents", incident);

/** @param {string} id @param {import("console-api").CloseIncident} said
 * @returns {Promise<Answer<{ incident: import("console-api").Incident }>>} */
export const postIncidentClose = (id, said) => send("POST", `/incidents/${encodeURIComponent(id)}/close`, said);

/** @param {string} id @param {string} resident @param {import("console-api").SettlePerson} said
 * @returns {Promise<Answer<{ incident: import("console-api").Incident }>>} */
export const postSettled = (id, resident, said) =>
  send("POST", `/incidents/${encodeURIComponent(id)}/people/${encodeURIComponent(resident)}`, said);

/** @returns {Promise<Answer<{ gaps: import("console-api").Gap[] }>>} */
export const getGaps = () => send("GET", "/gaps");

/** @param {string} id @param {import("console-api").SweepGap} said @returns {Promise<Answer<{ incidents: string[] }>>} */
export const postSweep = (id, said) => send("POST", `/gaps/${encodeURIComponent(id)}/sweep`, said);

/** @param {string} id @param {import("console-api").DismissGap} said @returns {Promise<Answer<{ settled: true }>>} */
export const postDismiss = (id, said) => send("POST", `/gaps/${encodeURIComponent(id)}/dismiss`, said);

/** @returns {Promise<Answer<import("console-api").PolicyList>>} */
export const getPolicies = () => send("GET", "/policies");

/** @param {number} version @returns {Promise<Answer<import("console-api").Policy>>} */
export const getPolicy = (version) => send("GET", `/policies/${version}`);

/** @param {string} text @returns {Promise<Answer<import("console-api").PolicyCheck>>} */
export const checkPolicy = (text) => send("POST", "/policies/check", { text });

/** @param {import("console-api").PolicyWanted} wanted @returns {Promise<Answer<{ version: number }>>} */
export const putPolicy = (wanted) => send("POST", "/policies", wanted);

/** @param {string} register @param {string} q @param {number} limit
 * @returns {Promise<Answer<Record<string, Record<string, unknown>[]>>>} */
export const getRegister = (register, q, limit) => send("GET", `/${register}?${new URLSearchParams({ q, limit: String(limit) })}`);

/** @param {string} register @param {string} id */
const recordPath = (register, id) => `/${register}/${encodeURIComponent(id)}/record`;

/** @param {string} register @param {string} id @returns {Promise<Answer<any>>} */
export const getRecord = (register, id) => send("GET", recordPath(register, id));

/** @param {string} register @param {string} id @param {{ version: number, facts: Record<string, unknown> }} said
 * @returns {Promise<Answer<any>>} */
export const putRecord = (register, id, said) => send("PUT", recordPath(register, id), said);

/** @param {string} register @param {{ id?: string, facts: Record<string, unknown> }} said @returns {Promise<Answer<any>>} */
export const addRecord = (register, said) => send("POST", `/${register}`, said);

/** @param {string} id of a resident @param {{ version: number, facts: string[] }} said
 * @returns {Promise<Answer<import("console-api").ResidentRecord>>} */
export const confirmFacts = (id, said) => send("POST", `${recordPath("residents", id)}/confirm`, said);

/** @param {string} id @param {string} purpose @param {import("console-api").ConsentSaid} said
 * @returns {Promise<Answer<import("console-api").ResidentRecord>>} */
export const putConsent = (id, purpose, said) =>
  send("PUT", `/residents/${encodeURIComponent(id)}/consents/${encodeURIComponent(purpose)}`, said);
