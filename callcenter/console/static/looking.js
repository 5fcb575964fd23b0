// Whether this page only looks at alerts: then nothing is drawn on them that acts.
import { signal } from "@preact/signals";

export const looking = signal(false);
