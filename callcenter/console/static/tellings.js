// What an entry means to who sits here: said in a notice, beside the list.
import { detail } from "./detail.js";
import { inform, warnLastingly } from "./notice.js";
import { sentence } from "./sentences.js";
import { session, supervises } from "./session.js";

/** Nobody may believe that a call was made which was not: its owner is told at once.
 * @param {import("console-api").LiveEntry} entry */
export function tellUndone(entry) {
  if (entry.rule !== "effect.failed" || entry.alert?.owner?.id !== session.value?.operator.id) return;
  const contacts = detail.value?.id === entry.alert_id ? detail.value?.data?.contacts : undefined;
  const name = entry.alert?.resident_name || entry.alert?.device_id;
  warnLastingly("notice.undone", { name, what: sentence(entry, contacts ?? []) });
}

/** Handing over is a matter between two: nobody else's console sounds, and the one who did it knows it.
 * @param {import("console-api").LiveEntry} entry @param {import("console-api").Alert} alert */
export function concernsMe({ rule, actor, data }, alert) {
  if (!rule.startsWith("transfer.") && data.asked !== true) return true;
  const me = session.value?.operator.id;
  return actor !== `operator:${me}` && [alert.owner?.id, data.to, data.from].includes(me);
}

/** Who has asked a colleague hears what became of it.
 * @param {import("console-api").LiveEntry} entry */
export function tellHandingOver(entry) {
  const me = session.value?.operator.id;
  const { alert, actor, data, rule } = entry;
  if (!alert || !rule.startsWith("transfer.") || actor === `operator:${me}`) return;
  const said = { name: alert.resident_name || alert.device_id, what: sentence(entry, []) };
  if (data.from === me) inform("notice.told", said);
  else if (alert.owner?.id === me && !alert.transfer && !data.from) warnLastingly("notice.undone", said);
}

/** Somebody has gone and left it to nobody: whoever runs the room hears by name who, and why.
 * @param {import("console-api").LiveEntry} entry */
export function tellLeft(entry) {
  const { alert, data, rule } = entry;
  if (!alert || !supervises() || !["owner.leaves", "ambulance.owner_leaves"].includes(rule)) return;
  warnLastingly("notice.left", { name: alert.resident_name || alert.device_id, what: sentence(entry, []), text: data.text });
}
