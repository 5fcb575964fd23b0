// The list of keys, and the switch for single keys.
import { useEffect, useRef } from "preact/hooks";
import { plural, t } from "./i18n.js";
import { keysShown, keyTable, setSingleKeys, singleKeys } from "./keys.js";
import { html } from "./markup.js";
import { LOCK_MINUTES, lockMinutes, setLockMinutes } from "./privacy.js";

export function KeysDialog() {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const shown = keysShown.value;
  useEffect(() => {
    if (shown) dialog.current?.showModal();
    else dialog.current?.close();
  }, [shown]);
  return html`<dialog ref=${dialog} class="keys" aria-labelledby="keys-heading" onClose=${() => (keysShown.value = false)}>
    <h2 id="keys-heading">${t("keys.heading")}</h2>
    <div class="key-groups">
      ${keyTable().map(({ group, keys }) => html`<section key=${group}>
        <h3>${t(group)}</h3>
        <dl>${keys.map(([cap, key]) => html`<div key=${cap}><dt><kbd>${cap}</kbd></dt><dd>${t(key)}</dd></div>`)}</dl>
      </section>`)}
    </div>
    <label class="switch">
      <input type="checkbox" checked=${singleKeys.value}
        onChange=${(/** @type {Event} */ event) => setSingleKeys(/** @type {HTMLInputElement} */ (event.target).checked)} />
      ${t("keys.single")}
    </label>
    <label class="switch">${t("lock.after")}
      <select id="lock-minutes" value=${lockMinutes.value}
        onChange=${(/** @type {Event} */ event) => setLockMinutes(Number(/** @type {HTMLSelectElement} */ (event.target).value))}>
        ${LOCK_MINUTES.map((n) => html`<option key=${n} value=${n}>${plural("lock.minutes", n)}</option>`)}
      </select>
    </label>
    <form method="dialog"><button class="primary">${t("keys.close")}</button></form>
  </dialog>`;
}
