// Who and what an alert has on the map: the door, where the device was last, and everybody asked or under way.
// Pure functions; drawing is town_map.js's matter.

/** @typedef {import("console-api").AlertDetail} AlertDetail */
/** @typedef {import("console-api").Offer} Offer */
/** @typedef {import("console-api").SharedPosition} SharedPosition */
/** `state`: what an offer has come to. `at`: null where the place is one they usually are at, or a house.
 * @typedef {{ lat: number, lon: number }} Place */
/** @typedef {{ id: string, sort: "home" | "fix" | "helper", name: string, place: Place | null, acc: number | null,
 *   at: string | null, state: "asked" | "goes" | "under_way" | "there" | null, late: boolean }} Spot */

const EARTH_M = 6_371_000;

/** @type {Partial<Record<Offer["state"], Spot["state"]>>} */
const STATES = { queued: "asked", offered: "asked", accepted: "goes", en_route: "under_way", on_scene: "there" };

/** Metres as the crow flies; short ways, so a flat earth is exact enough.
 * @param {Place} one @param {Place} other */
export function metresBetween(one, other) {
  const north = ((other.lat - one.lat) * Math.PI) / 180;
  const east = (((other.lon - one.lon) * Math.PI) / 180) * Math.cos((one.lat * Math.PI) / 180);
  return EARTH_M * Math.hypot(north, east);
}

/** The newer of what the live feed and the card say.
 * @param {Offer} offer @param {ReadonlyMap<string, SharedPosition>} live */
function shared(offer, live) {
  const told = live.get(offer.id) ?? null;
  if (!told || !offer.position) return told ?? offer.position;
  return Date.parse(offer.position.at) > Date.parse(told.at) ? offer.position : told;
}

/** @param {Offer} offer @param {ReadonlyMap<string, SharedPosition>} live @param {Place | null} door @returns {Spot} */
function helper(offer, live, door) {
  const state = STATES[offer.state] ?? null;
  const here = shared(offer, live);
  const known = { id: offer.id, sort: /** @type {const} */ ("helper"), name: offer.name, state, late: offer.late };
  if (here) return { ...known, place: here, acc: here.acc, at: here.at };
  return { ...known, place: state === "there" ? door : offer.usual, acc: null, at: null };
}

/** The door first, then the device, then people in the order in which they were asked; each person once.
 * @param {AlertDetail} data @param {ReadonlyMap<string, SharedPosition>} live @returns {Spot[]} */
export function spotsOf({ household, position, offers }, live) {
  /** @type {Spot[]} */
  const spots = [];
  const still = { state: null, late: false };
  const { lat, lon } = household ?? { lat: null, lon: null };
  const door = lat === null || lon === null ? null : { lat, lon };
  if (door) spots.push({ id: "home", sort: "home", name: "", place: door, acc: null, at: null, ...still });
  if (position) spots.push({ id: "fix", sort: "fix", name: "", place: position.wgs84, acc: position.acc, at: position.at, ...still });
  const last = new Map(offers.map((offer) => [offer.party, offer]));
  const asked = [...last.values()].filter((offer) => STATES[offer.state]);
  return [...spots, ...asked.map((offer) => helper(offer, live, door))];
}

/** Where people are sent: to the door, or in a search to where the device was last.
 * @param {Spot[]} spots @param {boolean} searching */
export function goalOf(spots, searching) {
  const sorts = searching ? ["fix", "home"] : ["home", "fix"];
  return sorts.map((sort) => spots.find((spot) => spot.sort === sort)?.place).find(Boolean) ?? null;
}
