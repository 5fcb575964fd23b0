// Markup: htm's tagged template bound to Preact. Values are always rendered as text.
import htm from "htm";
import { h } from "preact";

/** @type {(strings: TemplateStringsArray, ...values: unknown[]) => import("preact").VNode} */
export const html = /** @type {any} */ (htm.bind(/** @type {any} */ (h)));
