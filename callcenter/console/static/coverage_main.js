// The page of the coverage.
import { CoveragePage } from "./coverage_page.js";
import { start } from "./start.js";

await start(CoveragePage);
