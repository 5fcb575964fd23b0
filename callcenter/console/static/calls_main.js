// The page of the call log.
import { CallsPage } from "./calls_page.js";
import { start } from "./start.js";

await start(CallsPage);
