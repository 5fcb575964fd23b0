// The supervisors' switch of flood mode: on, or as the load says. Of the whole room, and written into the timeline.
import { signal } from "@preact/signals";
import { putFlood } from "./api.js";
import { troubleKey } from "./commands.js";
import { flood, hearFlood } from "./flood.js";
import { t } from "./i18n.js";
import { html } from "./markup.js";
import { warn } from "./notice.js";
import { passive } from "./one_console.js";
import { sessionEnded } from "./session.js";

const saving = signal(false);

/** @param {Event} event */
async function change(event) {
  const chosen = /** @type {HTMLSelectElement} */ (event.target).value;
  saving.value = true;
  const answer = await putFlood(chosen === "on" ? "on" : "automatic");
  saving.value = false; // drawn anew: a choice that was not stored goes back to what is
  if (answer.ok) hearFlood(answer.body);
  else if (answer.why === "signed_out") sessionEnded();
  else warn(troubleKey(answer.why), { detail: answer.problem?.detail });
}

export function FloodSwitch() {
  const mode = flood.value.by === "supervisor" ? "on" : "automatic";
  return html`<span>
    <label class="visually-hidden" for="flood-mode">${t("flood.mark")}</label>
    <select id="flood-mode" value=${mode} disabled=${saving.value || passive.value} onChange=${change}>
      <option value="automatic">${t("flood.mode_automatic")}</option>
      <option value="on">${t("flood.mode_on")}</option>
    </select>
  </span>`;
}
