// The page of the second factor.
import { FactorPage } from "./factor_page.js";
import { start } from "./start.js";

await start(FactorPage);
