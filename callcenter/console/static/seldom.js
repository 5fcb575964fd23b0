// What a flood would have done with every message is done a few times a second at most.

/** Done at once; then not again before `everyMs` have passed, and what is held back until then is done once.
 * @param {number} everyMs @param {() => void} does */
export function atMost(everyMs, does) {
  let doneAt = -Infinity;
  let due = 0;
  // Without asking the time: a timer may come early, and what it had to do would never be done.
  function doIt() {
    clearTimeout(due);
    due = 0;
    doneAt = performance.now();
    does();
  }
  return () => {
    const wait = doneAt + everyMs - performance.now();
    if (wait <= 0) doIt();
    else due ||= setTimeout(doIt, wait);
  };
}
