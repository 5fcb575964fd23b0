// Gaps: times in which somebody may have pressed and nobody heard it. How many of them are not worked yet.
import { signal } from "@preact/signals";
import { plural, t } from "./i18n.js";
import { html } from "./markup.js";

export const gapsOpen = signal(0);

/** @param {{ gaps?: number }} said by a beat or a snapshot */
export function hearGaps(said) {
  if (said.gaps !== undefined) gapsOpen.value = said.gaps;
}

export function forgetGaps() {
  gapsOpen.value = 0;
}

export function GapBanner() {
  return html`<div role="alert" class="alert-region" id="gap-banner">
    ${gapsOpen.value > 0 && html`<p class="banner banner-loud">
      <strong>${plural("banner.gaps", gapsOpen.value)}</strong>
      <span>${t("banner.gaps_do")}</span> <a href="/incidents">${t("banner.gaps_open")}</a>
    </p>`}
  </div>`;
}
