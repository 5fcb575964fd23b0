// One row for all technical alerts of an area and kind, while flood mode is on.
import { h } from "preact";
import { now } from "./clock.js";
import { areaName } from "./flood.js";
import { duration, plural, t } from "./i18n.js";
import { Icon } from "./icons.js";
import { ROW } from "./list_layout.js";
import { html } from "./markup.js";

/** @param {{ fold: import("./folds.js").Fold, index: number, rows: number, padTop: number, active: boolean }} props */
export function FoldRow({ fold, index, rows, padTop, active }) {
  const classes = ["row", "row-technical", "row-fold", active ? "row-active" : ""];
  return html`<div class=${classes.join(" ")} role="option" id=${`row-${fold.id}`} data-id=${fold.id}
    aria-selected="false" aria-posinset=${index + 1} aria-setsize=${rows}
    style=${{ transform: `translateY(${padTop + index * ROW}px)` }}>
    <span class="row-bar"></span>
    <div class="row-line">
      <span class="kind kind-technical">${h(Icon, { name: fold.kind })}<span>${t(`kind.${fold.kind}`)}</span></span>
      <strong class="row-name">${plural("fold.count", fold.count)}</strong>
      <span class="age age-none"><span class="age-word">${t("fold.oldest")}</span>
        <span class="age-figure">${duration(now.value - fold.oldestMs)}</span></span>
    </div>
    <div class="row-line row-where">
      <span class="row-place">${fold.area ? areaName(fold.area) : t("fold.no_area")}</span>
    </div>
    <div class="row-line row-state"><span class="row-place">${t(fold.open ? "fold.open" : "fold.closed")}</span></div>
  </div>`;
}
