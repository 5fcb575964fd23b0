// The page of the statistics.
import { start } from "./start.js";
import { StatisticsPage } from "./statistics_page.js";

await start(StatisticsPage);
