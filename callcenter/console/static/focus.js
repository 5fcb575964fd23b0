// Focus follows the script: a command says where the focus should go, and the drawing that brings
// the element grants it. A wish never takes the focus away from somebody who is typing.

// As long as a button may need until the centre has allowed it.
const PATIENCE_MS = 3_000;

let wish = /** @type {{ id: string, since: number } | null} */ (null);

/** @param {string} id of the element that gets the focus as soon as it can take it */
export function wishFocus(id) {
  wish = { id, since: performance.now() };
  requestAnimationFrame(grantFocus);
}

export function isTyping() {
  return document.activeElement?.matches("input, textarea, select") ?? false;
}

export function grantFocus() {
  if (!wish) return;
  if (performance.now() - wish.since > PATIENCE_MS || isTyping()) {
    wish = null;
    return;
  }
  const element = document.getElementById(wish.id);
  if (!element || element.getAttribute("aria-disabled") === "true") return;
  element.focus();
  wish = null;
}
