// The page of the register.
import { RegisterPage } from "./register_page.js";
import { start } from "./start.js";

await start(RegisterPage);
