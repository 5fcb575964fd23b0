// The pages of the console and the way between them. From the alerts, the others open beside:
// whoever left the alerts would not hear an alarm.
import { t } from "./i18n.js";
import { html } from "./markup.js";

const PLACES = [
  { path: "/", key: "places.alerts" },
  { path: "/calls", key: "places.calls" },
  { path: "/statistics", key: "places.statistics" },
  { path: "/coverage", key: "places.coverage" },
  { path: "/incidents", key: "places.incidents" },
  { path: "/policies", key: "places.policies" },
];

/** @param {{ here: string }} where */
export function Places({ here }) {
  const beside = here === "/" ? "_blank" : undefined;
  return html`<nav class="places" aria-label=${t("places.name")}>
    ${PLACES.filter(({ path }) => path !== here).map(({ path, key }) =>
      html`<a href=${path} target=${beside} rel="noopener">${t(key)}</a>`)}
  </nav>`;
}
