// Focus follows the script: a command says where the focus should go, and the drawing that brings
// the element grants it. A wish never takes the focus away from somebody who is typing.

const PATIENCE_MS = 3_000;

let wish = /** @type {{ ids: string[], since: number } | null} */ (null);

/** @param {string[]} ids the first one that can take the focus gets it */
export function wishFocus(...ids) {
  wish = { ids, since: performance.now() };
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
  for (const id of wish.ids) {
    const element = document.getElementById(id);
    if (element && element.getAttribute("aria-disabled") !== "true") {
      element.focus();
      wish = null;
      return;
    }
  }
}
