// Where the rows of the windowed list stand. Pure arithmetic: the row under the pointer or the focus
// keeps its place on the screen, and everything else moves around it.

/** Height of a row in pixels; list.css says the same. */
export const ROW = 78;
const SPARE_ROWS = 4;

/**
 * @typedef {{ index: number, y: number }} Anchor a row now at `index` that must stay `y` below the top edge
 * @typedef {{ rows: number, viewport: number, scrollTop: number, padTop: number, atTop: boolean,
 *   anchor: Anchor | null }} Situation
 * @typedef {{ scrollTop: number, padTop: number, height: number, first: number, last: number,
 *   topRow: number }} Layout
 */

/** The wanted scroll position in a list without padding; it may lie outside what can be scrolled.
 * @param {Situation} now */
function wanted(now) {
  if (now.anchor) return now.anchor.index * ROW - now.anchor.y;
  if (now.atTop) return 0;
  const furthest = Math.max(0, now.rows * ROW - now.viewport);
  return Math.min(Math.max(0, now.scrollTop - now.padTop), furthest);
}

/** @param {Situation} now @returns {Layout} */
export function layout(now) {
  const want = wanted(now);
  // What cannot be scrolled is padded: above the first row when the anchor has moved up, below the
  // last one when it has moved down.
  const padTop = Math.max(0, -want);
  const scrollTop = Math.max(0, want);
  const height = Math.max(padTop + now.rows * ROW, now.anchor ? scrollTop + now.viewport : 0);
  const topRow = Math.max(0, Math.ceil((scrollTop - padTop) / ROW));
  const first = Math.max(0, topRow - SPARE_ROWS);
  const last = Math.min(now.rows, Math.ceil((scrollTop - padTop + now.viewport) / ROW) + SPARE_ROWS);
  return { scrollTop, padTop, height, first, last, topRow };
}

/** The scroll position that brings a row into view with the least movement.
 * @param {{ index: number, scrollTop: number, padTop: number, viewport: number }} now */
export function scrolledTo({ index, scrollTop, padTop, viewport }) {
  const top = padTop + index * ROW;
  if (top < scrollTop) return top;
  return Math.max(scrollTop, top + ROW - viewport);
}
