// The windowed list: draws only the rows in view and keeps the row under pointer or focus where it is.
import { h } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { alertOf, allAlerts, dropClosed, revision, unseen } from "./alert_book.js";
import { openAlert, openedId } from "./detail.js";
import { wishFocus } from "./focus.js";
import { flood, openFolds, toggleFold } from "./flood.js";
import { FloodMark } from "./flood_strip.js";
import { FoldRow } from "./fold_row.js";
import { foldedRows, isFoldId, stood } from "./folds.js";
import { plural, t } from "./i18n.js";
import { activeId } from "./keys.js";
import { AlertRow } from "./alert_row.js";
import { layout, ROW, scrolledTo } from "./list_layout.js";
import { link } from "./live.js";
import { html } from "./markup.js";
import { locked, unlocksWith } from "./privacy.js";
import { isUnclaimed, ordered } from "./order.js";

/** @typedef {import("console-api").Alert} Alert */
/** What the list remembers between drawings; `edge` is where its upper edge was on the screen.
 * @typedef {{ ids: string[], inHand: Alert | null, edge: number, padTop: number, scrollTop: number, goTo: number | null, atTop: boolean,
 *   hovered: string | null, focused: boolean }} Memory */

/** The row that must stay, at the place on the screen where it was drawn last, even when a banner has
 * moved the list. The pointer comes before the focus: a click goes to a place, a key to a row.
 * @param {Memory} memory @param {string[]} ids @param {{ viewport: number, edge: number }} now */
function anchorOf(memory, ids, { viewport, edge }) {
  for (const id of [memory.hovered, memory.focused ? activeId.value : null]) {
    if (id === null) continue;
    const before = memory.ids.indexOf(id);
    const index = ids.indexOf(id);
    const y = memory.padTop + before * ROW - memory.scrollTop + memory.edge - edge;
    if (before >= 0 && index >= 0 && y > -ROW && y < viewport) return { index, y };
  }
  return null;
}

/** @param {string} id */
function open(id) {
  if (isFoldId(id)) {
    activeId.value = id;
    return toggleFold(id);
  }
  if (locked.value) return wishFocus(unlocksWith());
  activeId.value = id;
  openAlert(id);
  wishFocus("alert-view");
}

/** @param {Event} event */
function rowId(event) {
  const row = /** @type {Element} */ (event.target).closest("[data-id]");
  return row instanceof HTMLElement ? row.dataset.id ?? null : null;
}

/** What is out of sight above: what is new there, or else what still waits there.
 * @param {{ above: Alert[], onClick: () => void }} props */
function Chip({ above, onClick }) {
  let fresh = 0;
  let waiting = 0;
  for (const alert of above) {
    if (unseen.has(alert.id)) fresh += 1;
    if (isUnclaimed(alert)) waiting += 1;
  }
  if (fresh + waiting === 0) return null;
  return html`<button type="button" class="chip" id="new-above" onClick=${onClick}>
    ${fresh > 0 ? plural("list.new_above", fresh) : plural("list.waiting_above", waiting)}
  </button>`;
}

export function AlertList() {
  revision.value;
  const scroller = useRef(/** @type {HTMLDivElement | null} */ (null));
  const [, drawAgain] = useState(0);
  const redraw = () => drawAgain((count) => count + 1);
  const remembered = useRef(/** @type {Memory} */ ({
    ids: [], inHand: null, edge: 0, padTop: 0, scrollTop: 0, goTo: null, atTop: true, hovered: null, focused: false,
  }));
  const memory = remembered.current;
  // Asked of the element each time: the operator may have scrolled since the last event told us.
  memory.scrollTop = memory.goTo ?? scroller.current?.scrollTop ?? 0;

  const inHand = new Set([memory.hovered, memory.focused ? activeId.value : null]);
  const keep = new Set([openedId.value, ...inHand]);
  const held = memory.hovered ?? (memory.focused ? activeId.value : null);
  if (memory.inHand?.id !== held) memory.inHand = alertOf(held) ?? null;
  const alerts = ordered(allAlerts(), { keep, inHand: stood(memory.inHand, alertOf(held)) });
  const rows = foldedRows(alerts, { on: flood.value.on, opened: openFolds.value, inHand });
  const ids = rows.map((row) => row.id);
  const viewport = scroller.current?.clientHeight ?? 600;
  const edge = scroller.current?.getBoundingClientRect().top ?? 0;
  const anchor = anchorOf(memory, ids, { viewport, edge });
  const placed = layout({ ...memory, rows: ids.length, viewport, anchor });
  const active = ids.indexOf(activeId.value ?? "");
  const above = rows.slice(0, placed.topRow).flatMap((row) => row.alert ?? []);

  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    // Remembered before scrolling, so that the scroll event this causes is known as our own.
    Object.assign(memory, { ids, edge, padTop: placed.padTop, scrollTop: placed.scrollTop, goTo: null });
    if (element.scrollTop !== placed.scrollTop) element.scrollTop = placed.scrollTop;
    const inView = Math.ceil((placed.scrollTop - placed.padTop + viewport) / ROW);
    for (const id of ids.slice(placed.topRow, inView)) unseen.delete(id);
    dropClosed(keep);
  });
  useEffect(() => {
    const watching = new ResizeObserver(redraw);
    if (scroller.current) watching.observe(scroller.current);
    return () => watching.disconnect();
  }, []);

  /** From now on the held row keeps its place on the screen; what moved the list before does not count. */
  function takeInHand() {
    memory.edge = scroller.current?.getBoundingClientRect().top ?? 0;
  }

  function scrolled() {
    const at = scroller.current?.scrollTop ?? 0;
    if (Math.abs(at - memory.scrollTop) < 2) return;
    memory.atTop = at <= memory.padTop;
    redraw();
  }

  /** @param {number} index */
  function moveTo(index) {
    const bounded = Math.min(Math.max(index, 0), ids.length - 1);
    const id = ids[bounded];
    if (id === undefined) return;
    activeId.value = id;
    const goTo = scrolledTo({ index: bounded, scrollTop: memory.scrollTop, padTop: memory.padTop, viewport });
    Object.assign(memory, { goTo, atTop: bounded === 0, hovered: null });
    redraw();
  }

  /** @param {KeyboardEvent} event */
  function key(event) {
    const page = Math.max(1, Math.floor(viewport / ROW) - 1);
    /** @type {Record<string, () => void>} */
    const keys = {
      ArrowDown: () => moveTo(active + 1),
      ArrowUp: () => moveTo(active - 1),
      PageDown: () => moveTo(active + page),
      PageUp: () => moveTo(active - page),
      Home: () => moveTo(0),
      End: () => moveTo(ids.length - 1),
      Enter: () => activeId.value !== null && active >= 0 && open(activeId.value),
    };
    const does = keys[event.key];
    if (!does || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    does();
  }

  /** @param {PointerEvent} event */
  function hover(event) {
    if (event.pointerType === "touch") return;
    if (memory.hovered === null) takeInHand();
    const id = rowId(event);
    // Over the chip the row stays held: the pointer is on its way to it.
    if (id === null || id === memory.hovered) return;
    memory.hovered = id;
    memory.inHand = alertOf(id) ?? null;
  }

  function release() {
    if (memory.hovered === null) return;
    memory.hovered = null;
    redraw();
  }

  /** @param {boolean} focused */
  function focus(focused) {
    if (focused) takeInHand();
    memory.focused = focused;
    if (focused && active < 0) moveTo(placed.topRow);
    else redraw();
  }

  function toTop() {
    Object.assign(memory, { ids: [], hovered: null, goTo: 0, padTop: 0, atTop: true });
    activeId.value = ids[0] ?? null;
    wishFocus("alert-list");
    redraw();
  }

  const drawn = Array.from({ length: placed.last - placed.first }, (_, index) => placed.first + index);
  if (active >= 0 && !drawn.includes(active)) drawn.push(active);
  return html`<section class="list-pane" aria-labelledby="list-heading" onPointerOver=${hover} onPointerLeave=${release}>
    <div class="list-head">
      <h2 id="list-heading">${plural("list.heading", alerts.length)}</h2>
      ${h(FloodMark, {})}
      ${h(Chip, { above, onClick: toTop })}
    </div>
    <div class="list-scroller" ref=${scroller} id="alert-list" role="listbox" tabindex="0" aria-labelledby="list-heading"
      aria-activedescendant=${active >= 0 ? `row-${ids[active]}` : undefined}
      onScroll=${scrolled} onKeyDown=${key} onFocus=${() => focus(true)} onBlur=${() => focus(false)}
      onClick=${(/** @type {Event} */ event) => { const id = rowId(event); if (id) open(id); }}>
      <div class="list-rows" role="presentation" style=${{ height: `${placed.height}px` }}>
        ${drawn.map((index) => {
          const row = rows[index];
          if (!row) return null;
          const where = { key: row.id, index, rows: ids.length, padTop: placed.padTop, active: index === active };
          if (row.fold) return h(FoldRow, { ...where, fold: row.fold });
          return h(AlertRow, { ...where, alert: row.alert, member: row.member, opened: row.id === openedId.value });
        })}
      </div>
    </div>
    ${ids.length === 0 && html`<p class="list-empty">${t(link.value.phase === "live" ? "list.empty" : "list.not_yet")}</p>`}
  </section>`;
}
