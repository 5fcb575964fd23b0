// Whose people are shown here, and the way to see beyond them: at once, with a reason that somebody else reviews.
import { signal } from "@preact/signals";
import { h } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { postBreakGlass } from "./api.js";
import { now } from "./clock.js";
import { troubleKey } from "./commands.js";
import { minuteTime, t } from "./i18n.js";
import { html } from "./markup.js";
import { warn } from "./notice.js";
import { askWhoIsSignedIn, may, session } from "./session.js";

const asked = signal(false);
const sending = signal(false);

/** @param {SubmitEvent} event */
async function send(event) {
  event.preventDefault();
  const form = /** @type {HTMLFormElement} */ (event.currentTarget);
  const reason = String(new FormData(form).get("reason") ?? "").trim();
  if (!reason || sending.value) return;
  sending.value = true;
  const answer = await postBreakGlass(reason);
  sending.value = false;
  if (!answer.ok) return warn(troubleKey(answer.why), { detail: answer.problem?.detail });
  form.reset();
  asked.value = false;
  await askWhoIsSignedIn();
}

function Why() {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useEffect(() => {
    if (asked.value) dialog.current?.showModal();
    else dialog.current?.close();
  }, [asked.value]);
  return html`<dialog ref=${dialog} class="beyond" aria-labelledby="beyond-heading" onClose=${() => (asked.value = false)}>
    <form onSubmit=${send}>
      <h2 id="beyond-heading">${t("beyond.heading")}</h2>
      <p>${t("beyond.says")}</p>
      <label>${t("beyond.reason")}<textarea name="reason" required maxlength="2000" rows="3"></textarea></label>
      <button class="primary" disabled=${sending.value}>${t("beyond.go")}</button>
      <button type="button" onClick=${() => (asked.value = false)}>${t("form.cancel")}</button>
    </form>
  </dialog>`;
}

/** Nothing for whoever sees every area anyway. */
export function Beyond() {
  const who = session.value;
  if (!who?.area_id) return null;
  const until = who.beyond_until && Date.parse(who.beyond_until) > now.value ? who.beyond_until : null;
  if (until) return html`<span class="beyond-now">${t("beyond.until", { time: minuteTime(Date.parse(until)) })}</span>`;
  return html`<span class="area-of">${t("beyond.area", { area: who.area_id })}
    ${may("break_glass") && html`<button type="button" onClick=${() => (asked.value = true)}>${t("beyond.button")}</button>`}
  </span>${h(Why, {})}`;
}
