// The supervisor's drill in the room: begin it, open alerts to practise with, end it with all of them.
import { signal } from "@preact/signals";
import { h } from "preact";
import { deleteDrill, getRegister, postDrillAlert, putDrill } from "./api.js";
import { drill } from "./drill.js";
import { t } from "./i18n.js";
import { html } from "./markup.js";
import { troubleOf } from "./report_frame.js";
import { atMost } from "./seldom.js";

const KINDS = ["sos", "fall", "fire", "gas", "ambulance", "help", "wander", "service"];
const FOUND_AT_MOST = 8;

const said = signal("");
const busy = signal(false);
const found = signal(/** @type {{ id: string, name: string, address: string }[]} */ ([]));

/** @template T @param {Promise<import("./api.js").Answer<T>>} asked @param {string} done what is said when it went well */
async function ask(asked, done) {
  busy.value = true;
  const answer = await asked;
  busy.value = false;
  said.value = answer.ok ? t(done) : answer.problem?.detail ?? troubleOf(answer);
  return answer.ok;
}

/** @param {Event} event */
function begin(event) {
  event.preventDefault();
  const form = /** @type {HTMLFormElement} */ (event.target);
  ask(putDrill(new FormData(form).get("rings") === "on"), "drill.done_begin");
}

const end = () => ask(deleteDrill(), "drill.done_end");

/** @param {Event} event */
async function open(event) {
  event.preventDefault();
  const form = /** @type {HTMLFormElement} */ (event.target);
  const given = Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ""));
  if (await ask(postDrillAlert(given), "drill.done_open")) form.reset();
}

let typed = "";
const search = atMost(300, async () => {
  const wanted = typed;
  const answer = wanted ? await getRegister("residents", wanted, FOUND_AT_MOST) : null;
  if (wanted !== typed) return;
  found.value = /** @type {any[]} */ (answer?.ok ? answer.body.residents ?? [] : []);
});

/** @param {Event} event */
function look(event) {
  typed = /** @type {HTMLInputElement} */ (event.target).value.trim();
  search();
}

function BeginForm() {
  return html`<form class="report-form" onSubmit=${begin}>
    <label class="switch"><input type="checkbox" name="rings" />${t("drill.also_ring")}</label>
    <button class="primary" id="drill-begin" disabled=${busy.value}>${t("drill.begin")}</button>
  </form>`;
}

/** A resident is chosen by their number in the register; a name alone is somebody made up. */
function OpenForm() {
  return html`<form class="report-form" onSubmit=${open}>
    <label>${t("room.kind")}<select name="kind">${KINDS.map((kind) => html`<option value=${kind}>${t(`kind.${kind}`)}</option>`)}</select></label>
    <label>${t("drill.resident")}<input name="resident_id" list="drill-residents" maxlength="64" autocomplete="off" onInput=${look} /></label>
    <datalist id="drill-residents">${found.value.map((one) => html`<option value=${one.id}>${one.name} ${one.address}</option>`)}</datalist>
    <label>${t("drill.made_up")}<input name="name" maxlength="80" autocomplete="off" /></label>
    <label>${t("drill.place")}<input name="place" maxlength="200" autocomplete="off" /></label>
    <label>${t("drill.words")}<input name="words" maxlength="200" required autocomplete="off" /></label>
    <button class="primary" id="drill-open" disabled=${busy.value}>${t("drill.open_now")}</button>
    <button type="button" id="drill-end" disabled=${busy.value} onClick=${end}>${t("drill.end")}</button>
  </form>`;
}

export function DrillDesk() {
  return html`<section id="drill-desk" aria-labelledby="drill-heading">
    <h2 id="drill-heading">${t("drill.heading")}</h2>
    ${drill.value ? h(OpenForm, {}) : h(BeginForm, {})}
    <p role="status" class="form-trouble">${said.value}</p>
  </section>`;
}
