// The alerts: the room hears and rings before anything is drawn.
import { App } from "./app.js";
import { onKey } from "./keys.js";
import { startRoom } from "./room.js";
import { start } from "./start.js";

await start(App, () => {
  startRoom();
  document.addEventListener("keydown", onKey);
});
