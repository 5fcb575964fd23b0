// Who has looked beyond their area and why, and the word of whoever reviews it: somebody else.
import { signal } from "@preact/signals";
import { h } from "preact";
import { useEffect } from "preact/hooks";
import { getBrokenGlass, postReview } from "./api.js";
import { clockTime, t } from "./i18n.js";
import { html } from "./markup.js";
import { reportPage, troubleOf } from "./report_frame.js";
import { may, session } from "./session.js";

/** @typedef {import("console-api").BrokenGlass} BrokenGlass */

const AGAIN_MS = 10_000;

const broken = signal(/** @type {BrokenGlass[] | null} */ (null));
const trouble = signal("");

async function look() {
  const answer = await getBrokenGlass();
  trouble.value = answer.ok ? "" : troubleOf(answer);
  if (answer.ok) broken.value = answer.body.broken;
}

/** @param {SubmitEvent} event @param {string} id */
async function send(event, id) {
  event.preventDefault();
  const form = /** @type {HTMLFormElement} */ (event.currentTarget);
  const answer = await postReview(id, String(new FormData(form).get("note") ?? ""));
  trouble.value = answer.ok ? "" : troubleOf(answer);
  if (answer.ok) await look();
}

/** @param {{ one: BrokenGlass }} props */
function Review({ one }) {
  if (one.reviewed_at) return html`<p>${t("review.done", { by: one.reviewed_by ?? "", note: one.note })}</p>`;
  if (one.operator_id === session.value?.operator.id) return html`<p>${t("review.own")}</p>`;
  return html`<form class="report-form" onSubmit=${(/** @type {SubmitEvent} */ event) => send(event, one.id)}>
    <label>${t("review.note")}<input name="note" maxlength="2000" required autocomplete="off" /></label>
    <button class="primary">${t("review.send")}</button>
  </form>`;
}

function List() {
  if (broken.value === null) return null;
  if (!broken.value.length) return html`<p class="report-empty">${t("review.none")}</p>`;
  return html`<ul class="reviews">${broken.value.map((one) => html`<li key=${one.id} data-id=${one.id}>
    <p><strong>${one.operator_name ?? one.operator_id}</strong>${" "}
      ${t("review.what", { area: one.area_id ?? "", when: clockTime(one.broken_at, Date.now()) })}</p>
    <blockquote>${one.reason}</blockquote>
    ${h(Review, { one })}
  </li>`)}</ul>`;
}

function Body() {
  useEffect(() => {
    look();
    const again = setInterval(look, AGAIN_MS);
    return () => clearInterval(again);
  }, []);
  return html`<p role="alert" class="form-trouble">${trouble.value}</p>
    <p>${t("review.says")}</p>
    ${h(List, {})}`;
}

const Allowed = () => (may("review") ? h(Body, {}) : html`<p>${t("review.not_yours")}</p>`);

export const ReviewsPage = reportPage("/reviews", "review.title", Allowed);
