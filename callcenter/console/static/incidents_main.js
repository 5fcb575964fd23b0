// The page of incidents.
import { IncidentsPage } from "./incidents_page.js";
import { start } from "./start.js";

await start(IncidentsPage);
