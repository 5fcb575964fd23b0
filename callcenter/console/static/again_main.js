// The page after unlocking through the identity provider.
import { AgainPage } from "./again_page.js";
import { start } from "./start.js";

await start(AgainPage);
