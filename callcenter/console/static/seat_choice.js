// Ready, busy or away, and the telephone that rings when a call is put through.
import { h } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { t } from "./i18n.js";
import { html } from "./markup.js";
import { passive } from "./one_console.js";
import { phoneShown, saveSeat, saving, seat } from "./seat.js";

/** @typedef {import("console-api").OwnSeat} OwnSeat */

/** @type {[OwnSeat["state"], string][]} */
const STATES = [["ready", "seat.ready"], ["busy", "seat.busy"], ["away", "seat.away"]];

/** @param {{ taken: OwnSeat }} props */
function PhoneDialog({ taken }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  const shown = phoneShown.value;
  useEffect(() => {
    if (!shown) return dialog.current?.close();
    if (field.current) field.current.value = taken.phone;
    dialog.current?.showModal();
  }, [shown]);

  /** @param {Event} event */
  async function submit(event) {
    event.preventDefault();
    const phone = field.current?.value.trim() ?? "";
    if (await saveSeat({ state: taken.state, phone })) phoneShown.value = false;
    else field.current?.focus();
  }

  return html`<dialog ref=${dialog} class="keys seat-dialog" aria-labelledby="seat-heading" onClose=${() => (phoneShown.value = false)}>
    <h2 id="seat-heading">${t("seat.phone_heading")}</h2>
    <form onSubmit=${submit} class="field">
      <label for="seat-phone-field">${t("seat.phone_label")}</label>
      <input id="seat-phone-field" ref=${field} maxlength="200" autocomplete="off" spellcheck=${false}
        pattern="\\+[1-9][0-9]{6,14}|sip:.+@.+" title=${t("seat.bad_phone")} />
      <div class="form-buttons">
        <button type="submit" class="primary" aria-disabled=${saving.value}>${t("seat.save")}</button>
        <button type="button" onClick=${() => (phoneShown.value = false)}>${t("form.cancel")}</button>
      </div>
    </form>
  </dialog>`;
}

export function SeatChoice() {
  const taken = seat.value;
  if (!taken) return null;
  const deaf = taken.state === "ready" && taken.phone === "";
  return html`<span class="seat" data-seat=${taken.state}>
    <label class="visually-hidden" for="seat-state">${t("seat.label")}</label>
    <select id="seat-state" value=${taken.state} disabled=${saving.value || passive.value}
      onChange=${(/** @type {Event} */ event) => {
        const state = /** @type {OwnSeat["state"]} */ (/** @type {HTMLSelectElement} */ (event.target).value);
        saveSeat({ state, phone: taken.phone });
      }}>
      ${STATES.map(([state, key]) => html`<option key=${state} value=${state}>${t(key)}</option>`)}
    </select>
    <button type="button" id="seat-phone" class=${deaf ? "seat-deaf" : ""} disabled=${passive.value} onClick=${() => (phoneShown.value = true)}>
      <span class="visually-hidden">${t("seat.phone_label")}: </span>${taken.phone || t("seat.no_phone")}</button>
    ${h(PhoneDialog, { taken })}
  </span>`;
}
