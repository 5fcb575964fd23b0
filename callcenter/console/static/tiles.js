// The pictures under the map, where the centre has any, and where a place lies on them.
import { toGcj02 } from "./datum.js";

/** @typedef {import("./datum.js").Place} Place */
/** @typedef {{ url: string, datum: "wgs84" | "gcj02", note: string }} Tiles */

const MOST_ZOOM = 18;
const told = document.querySelector('meta[name="map-tiles"]')?.getAttribute("content");
const tiles = told ? /** @type {Tiles} */ (JSON.parse(told)) : null;

/** @param {Place} place in WGS 84 @returns {[number, number]} */
export function drawn(place) {
  const { lat, lon } = tiles?.datum === "gcj02" ? toGcj02(place) : place;
  return [lat, lon];
}

/** Pictures that do not come leave the map as it is without them: what is known is drawn over them.
 * @param {typeof import("leaflet")} L @param {import("leaflet").Map} map */
export function layPictures(L, map) {
  if (!tiles) return;
  L.tileLayer(tiles.url, { maxZoom: MOST_ZOOM }).addTo(map);
  const note = new L.Control({ position: "bottomright" });
  note.onAdd = () => {
    const said = document.createElement("span");
    said.className = "map-note";
    said.textContent = tiles.note;
    return said;
  };
  note.addTo(map);
}
