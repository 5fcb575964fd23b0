// How a caller who is owed a call was helped otherwise. That they were reached, the centre hears by itself.
import { signal } from "@preact/signals";
import { postDischarge } from "./api.js";
import { t } from "./i18n.js";
import { html } from "./markup.js";

/** @typedef {import("console-api").Discharge} Discharge */

const troubles = signal(/** @type {Record<string, string>} */ ({}));

/** @param {string} id @param {string} key of the catalogue, empty: none */
const tell = (id, key) => (troubles.value = { ...troubles.value, [id]: key });

/** @param {{ debt: import("console-api").OpenDebt, settled: () => void }} props */
export function DebtForm({ debt, settled }) {
  const id = debt.call_id;

  /** @param {Event} event */
  async function submit(event) {
    event.preventDefault();
    const fields = new FormData(/** @type {HTMLFormElement} */ (event.target));
    const note = String(fields.get("note")).trim();
    if (!note) return tell(id, "debt.note_missing");
    tell(id, "");
    const how = /** @type {Discharge["how"]} */ (String(fields.get("how")));
    const answer = await postDischarge(id, { how, note });
    if (answer.ok || answer.status === 409) settled();
    else tell(id, "debt.not_stored");
  }

  return html`<form class="debt-form" noValidate onSubmit=${submit}>
    <select name="how" aria-label=${t("debt.how")}>
      <option value="visited">${t("debt.how_visited")}</option>
      <option value="escalated">${t("debt.how_escalated")}</option>
    </select>
    <input name="note" maxlength="2000" autocomplete="off" required aria-label=${t("debt.note")} placeholder=${t("debt.note")} />
    <button type="submit">${t("debt.settle")}</button>
    <span role="alert" class="form-trouble">${troubles.value[id] && t(troubles.value[id])}</span>
  </form>`;
}
