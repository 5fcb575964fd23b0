// A part of the page that can be taken out of the document and put back as it was: what was typed, opened and scrolled
// stays with its elements. It is drawn on meanwhile; nobody can see, search or hear it.
import { render } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { html } from "./markup.js";

/** @param {HTMLElement} holder */
function openDialogsAgain(holder) {
  for (const dialog of holder.querySelectorAll("dialog")) {
    if (!dialog.open) continue;
    dialog.removeAttribute("open");
    dialog.showModal(); // outside the document it is no longer one that everything waits for
  }
}

/** @param {{ shown: boolean, children?: import("preact").ComponentChildren }} props */
export function Kept({ shown, children }) {
  const place = useRef(/** @type {HTMLDivElement | null} */ (null));
  const [holder] = useState(() => document.createElement("div"));
  const scrolled = useRef(/** @type {[Element, number][]} */ ([]));
  useLayoutEffect(() => {
    if (!shown) {
      scrolled.current = [...holder.querySelectorAll("*")].filter((one) => one.scrollTop > 0).map((one) => [one, one.scrollTop]);
      holder.remove();
      return;
    }
    holder.className = "kept";
    place.current?.append(holder);
    for (const [element, top] of scrolled.current) element.scrollTop = top;
    openDialogsAgain(holder);
  }, [shown]);
  const begun = useRef(false);
  useLayoutEffect(() => {
    begun.current ||= shown; // what was never shown is not even fetched
    if (begun.current) render(children, holder);
  });
  useEffect(() => () => render(null, holder), []);
  return html`<div class="kept" ref=${place}></div>`;
}
