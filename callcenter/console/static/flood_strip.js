// Says that flood mode is on, why, and how many alerts are folded. Nothing folded: a word above the list is enough,
// and the list does not move.
import { revision } from "./alert_book.js";
import { flood, foldedCount } from "./flood.js";
import { plural, t } from "./i18n.js";
import { html } from "./markup.js";

/** The number stands outside the spoken text: it changes with every alarm. */
export function FloodStrip() {
  revision.value;
  const { on, by } = flood.value;
  const folded = foldedCount();
  return html`<div id="flood-strip">
    <p class="visually-hidden" role="status">${on && `${t("flood.on")} ${t(`flood.by_${by}`)}`}</p>
    ${folded > 0 && html`<div class="banner banner-quiet">
      <strong aria-hidden="true">${t("flood.on")}</strong>
      <span aria-hidden="true">${t(`flood.by_${by}`)}</span>
      <strong id="flood-folded">${plural("flood.folded", folded)}</strong>
      <span>${t("flood.people")}</span>
    </div>`}
  </div>`;
}

/** Above the list, always, where there is room for it. */
export function FloodMark() {
  return flood.value.on ? html`<span class="mark" id="flood-mark">${t("flood.mark")}</span>` : null;
}
