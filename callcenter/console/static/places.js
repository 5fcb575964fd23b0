// The pages of the console and the way between them. From the alerts, the others open beside:
// whoever left the alerts would not hear an alarm. What is needed seldom is reached from those others.
import { t } from "./i18n.js";
import { html } from "./markup.js";
import { may } from "./session.js";

/** @type {{ path: string, key: string, needs: import("console-api").Permission, seldom?: boolean }[]} */
const PLACES = [
  { path: "/", key: "places.alerts", needs: "see_alerts" },
  { path: "/alerts", key: "places.past", needs: "see_people" },
  { path: "/calls", key: "places.calls", needs: "see_calls" },
  { path: "/statistics", key: "places.statistics", needs: "see_figures" },
  { path: "/coverage", key: "places.coverage", needs: "see_network" },
  { path: "/incidents", key: "places.incidents", needs: "see_incidents" },
  { path: "/register", key: "places.register", needs: "see_network" },
  { path: "/policies", key: "places.policies", needs: "see_policies" },
  { path: "/roster", key: "places.roster", needs: "see_people" },
  { path: "/room", key: "places.room", needs: "run_room" },
  { path: "/wall", key: "places.wall", needs: "see_wall" },
  { path: "/second-factor", key: "places.factor", needs: "own_session", seldom: true },
  { path: "/reviews", key: "places.reviews", needs: "review" },
];

/** @param {{ here: string }} where */
export function Places({ here }) {
  const beside = here === "/" ? "_blank" : undefined;
  return html`<nav class="places" aria-label=${t("places.name")}>
    ${PLACES.filter(({ path, needs, seldom }) => path !== here && may(needs) && !(seldom && here === "/")).map(({ path, key }) =>
      html`<a href=${path} target=${beside} rel="noopener">${t(key)}</a>`)}
  </nav>`;
}
