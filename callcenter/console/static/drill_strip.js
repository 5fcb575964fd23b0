// Says on every console, the wall and the room that a drill runs, who began it and since when.
import { now } from "./clock.js";
import { drill } from "./drill.js";
import { clockTime, plural, t } from "./i18n.js";
import { html } from "./markup.js";

export function DrillStrip() {
  const runs = drill.value;
  return html`<div id="drill-strip" role="status">
    ${runs && html`<p class="banner banner-drill">
      <strong>${t("drill.runs")}</strong>
      <span>${t("drill.began", { name: runs.by.name, time: clockTime(runs.since, now.peek()) })}</span>
      <span>${plural("drill.open", runs.open)}</span>
      <span>${t(runs.rings ? "drill.rings" : "drill.rings_not")}</span>
      <span>${t("drill.real")}</span>
    </p>`}
  </div>`;
}

/** On the card of an alert to practise with. */
export const DrillLine = () => html`<p class="banner banner-drill drill-line"><strong>${t("drill.line")}</strong><span>${t("drill.line_do")}</span></p>`;
