// The page of the supervisor: the room.
import { RoomPage } from "./room_page.js";
import { start } from "./start.js";

await start(RoomPage);
