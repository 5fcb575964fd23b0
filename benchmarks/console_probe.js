// What a page notes of itself: the time of every frame, and after which frame each row had been on the screen.
// It runs in the page, before the page's own scripts.
(() => {
  const FAR = 1e7; // pixels: the end of any list
  const frames = []; // milliseconds, as the browser counts them
  const rows = {}; // alert -> Date.now() when its row had been painted, inside what can be seen of the list
  const lengths = []; // [Date.now(), rows in the list] whenever that had changed on the screen
  const drawn = new Map(); // alert -> the frame in which its row was drawn
  let list = null;

  const length = () => Number(list.querySelector("[aria-setsize]")?.ariaSetSize ?? 0);

  function paintedBefore(frame) {
    const at = Date.now();
    const now = length();
    if (lengths.at(-1)?.[1] !== now) lengths.push([at, now]);
    if (drawn.size === 0) return;
    const { top, bottom } = list.getBoundingClientRect();
    for (const [id, when] of drawn) {
      if (when >= frame) continue;
      drawn.delete(id);
      const place = document.getElementById(`row-${id}`)?.getBoundingClientRect();
      if (place && place.top < bottom && place.bottom > top) rows[id] ??= at;
    }
  }

  function frame(now) {
    frames.push(now);
    if (list) paintedBefore(now);
    requestAnimationFrame(frame);
  }
  requestAnimationFrame(frame);

  // The list stays at its end, where a new alert of equal priority belongs: every one of them is drawn, the hard case.
  function follow(changes) {
    for (const { addedNodes } of changes) {
      for (const node of addedNodes) if (node.dataset?.id) drawn.set(node.dataset.id, document.timeline.currentTime);
    }
    list.scrollTop = FAR;
  }

  globalThis.probe = {
    forget() {
      frames.length = 0;
    },
    watchList() {
      list = document.getElementById("alert-list");
      new MutationObserver(follow).observe(list, { childList: true, subtree: true });
      list.scrollTop = FAR;
    },
    found: () => ({ frames, rows, lengths }),
  };
})();
