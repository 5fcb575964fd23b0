// The page that searches alerts of the past. Nothing can be done to them here.
import { looking } from "./looking.js";
import { PastPage } from "./past_page.js";
import { start } from "./start.js";

looking.value = true;
await start(PastPage);
