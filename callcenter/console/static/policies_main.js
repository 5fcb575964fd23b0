// The page of the escalation policies.
import { PoliciesPage } from "./policies_page.js";
import { start } from "./start.js";

await start(PoliciesPage);
