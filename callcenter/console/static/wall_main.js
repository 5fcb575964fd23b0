// The page for a screen on the wall.
import { start } from "./start.js";
import { WallPage } from "./wall_page.js";

await start(WallPage);
