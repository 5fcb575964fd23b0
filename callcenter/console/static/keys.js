// The keyboard: one table of keys, used by the handler and by the list of keys the operator can open.
import { signal } from "@preact/signals";
import { ACTIONS, allowedActions, ANSWERS, whyNot } from "./actions.js";
import { alertOf, askedOf } from "./alert_book.js";
import { actAndGoOn } from "./commands.js";
import { detail, leaveAlert, openedId } from "./detail.js";
import { openForm, showForm } from "./drafts.js";
import { isTyping, wishFocus } from "./focus.js";
import { isFoldId } from "./folds.js";
import { t } from "./i18n.js";
import { stay } from "./leaving.js";
import { warn } from "./notice.js";
import { lock, locked } from "./privacy.js";
import { may, session } from "./session.js";
import { STEP_KEY, tickNext } from "./ticking.js";

const REMEMBERED = "console.single_keys";

/** Single keys can be switched off: speech input types letters, and hands may tremble. */
export const singleKeys = signal(localStorage.getItem(REMEMBERED) !== "off");
export const keysShown = signal(false);
/** The row the keyboard stands on. */
export const activeId = signal(/** @type {string | null} */ (null));

/** @param {boolean} on */
export function setSingleKeys(on) {
  singleKeys.value = on;
  localStorage.setItem(REMEMBERED, on ? "on" : "off");
}

/** @param {import("./actions.js").ActionRow} row @returns {[string, string]} */
const keyOf = (row) => [row.key, `action.${row.id}`];

/** The list of keys as it is shown: key cap and catalogue key.
 * @returns {{ group: string, keys: [string, string][] }[]} */
export function keyTable() {
  return [
    {
      group: "keys.list",
      keys: [["↑ ↓", "keys.move"], ["Home End", "keys.ends"], ["Enter", "keys.open"], ["l", "keys.to_list"]],
    },
    {
      group: "keys.alert",
      keys: [...[...ACTIONS, ...ANSWERS].map(keyOf), [STEP_KEY, "plan.tick_next"]],
    },
    { group: "keys.page", keys: [["Esc", "keys.back"], ["z", "keys.lock"], ["?", "keys.show"]] },
  ];
}

/** The alert the keys are about: the row under the keyboard, else the one that is open. */
function subject() {
  const inList = document.activeElement?.id === "alert-list";
  if (inList && isFoldId(activeId.value)) return null; // not the alert that is open beside it
  return (inList ? activeId.value : null) ?? openedId.value;
}

/** Starts an action: at once when it needs nothing more, else by opening its form.
 * @param {string} id @param {import("./actions.js").ActionRow} row */
export function startAction(id, row) {
  const alert = alertOf(id) ?? detail.value?.data?.alert;
  if (!alert || !may("work_alerts")) return;
  const data = detail.value?.id === id ? detail.value.data : null;
  const me = session.value?.operator.id ?? "";
  if (!allowedActions(alert, data, me).has(row.id)) {
    const reason = whyNot(row.id, alert, me);
    warn("command.not_possible", { action: t(`action.${row.id}`), why: t(reason, { owner: alert.owner?.name }) });
    return;
  }
  if (row.fields.length === 0) {
    actAndGoOn(id, row.id);
  } else {
    showForm(id, row.id);
    wishFocus(`field-${row.fields[0]}`);
  }
}

export function goBack() {
  const id = openedId.value;
  if (id && openForm(id)) {
    const action = openForm(id);
    showForm(id, null);
    wishFocus(`action-${action}`);
  } else {
    if (id) leaveAlert();
    else stay();
    wishFocus("alert-list");
  }
}

/** @type {Record<string, () => void>} */
const PAGE_KEYS = {
  "?": () => (keysShown.value = true),
  z: lock,
  l: () => wishFocus("alert-list"),
};

/** @param {string} key @returns {(() => void) | undefined} what the key does now */
function meaning(key) {
  const page = PAGE_KEYS[key];
  if (page) return page;
  if (key === STEP_KEY) return openedId.value === null ? undefined : tickNext;
  const answer = ANSWERS.find((one) => one.key === key);
  if (answer) {
    const asked = askedOf(session.value?.operator.id ?? "")[0]?.id ?? openedId.value;
    return asked === null ? undefined : () => startAction(asked, answer);
  }
  const row = ACTIONS.find((one) => one.key === key);
  const id = subject();
  if (!row || id === null) return undefined;
  // A form belongs to the alert that is shown: from the list, only the claim needs no look at the card.
  if (id !== openedId.value && row.id !== "claim") return undefined;
  return () => startAction(id, row);
}

/** @param {KeyboardEvent} event */
export function onKey(event) {
  if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
  if (!session.value || locked.value || document.querySelector("dialog[open]")) return;
  if (event.key === "Escape") return goBack();
  if (!singleKeys.value || isTyping() || event.repeat) return;
  const does = meaning(event.key);
  if (!does) return;
  event.preventDefault();
  does();
}
