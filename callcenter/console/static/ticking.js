// Ticking a step of the response plan: the one that was chosen, or the next one.
import { act, pending } from "./commands.js";
import { detail } from "./detail.js";
import { wishFocus } from "./focus.js";
import { t } from "./i18n.js";
import { warn } from "./notice.js";
import { passive } from "./one_console.js";
import { session } from "./session.js";
import { nextStep, whyNot } from "./actions.js";
import { nextOf } from "./steps.js";

/** @typedef {import("console-api").AlertDetail} AlertDetail */

/** The key that ticks the next step. */
export const STEP_KEY = "s";

/** @param {AlertDetail} data @param {string} step */
export async function tick(data, step) {
  const { alert } = data;
  const me = session.value?.operator.id ?? "";
  if (pending.value[alert.id]) return;
  if (passive.value || !data.actions.includes("step")) {
    warn("command.not_possible", { action: t("plan.tick"), why: t(whyNot("step", alert, me), { owner: alert.owner?.name }) });
    return;
  }
  const onButton = document.activeElement?.closest(".plan") !== null;
  if (!(await act(alert.id, "step", { step })) || !onButton) return;
  // The button that was pressed is gone: the keyboard goes on with the next one.
  const next = nextOf(data.plan.filter((one) => one.id !== step));
  wishFocus(next ? `step-${next.id}` : `action-${nextStep(alert, me)}`);
}

/** What the key does. */
export function tickNext() {
  const data = detail.value?.data;
  const next = data && nextOf(data.plan);
  if (data && next) tick(data, next.id);
  else if (data) warn(data.plan.length > 0 ? "plan.all_done" : "plan.none");
}
