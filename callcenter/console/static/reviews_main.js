// The page of what was done with a reason and has to be reviewed.
import { ReviewsPage } from "./reviews_page.js";
import { start } from "./start.js";

await start(ReviewsPage);
