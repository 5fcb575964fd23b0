// The map, with pictures under it or without: the door, the device, the people and the names of the places around, true to scale.
// Leaflet is fetched when the first map is drawn; without it the list beside says the same in words.
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { getAreas } from "./api.js";
import { language, t } from "./i18n.js";
import { html } from "./markup.js";
import { drawn, layPictures } from "./tiles.js";

/** @typedef {import("./whereabouts.js").Spot} Spot */
/** @typedef {Spot & { label: string, old: boolean }} Pin */
/** @typedef {{ show: (pins: Pin[]) => void, showAll: () => void, remove: () => void }} Drawing */

const CLOSEST = 16; // one house alone is no reason to fill the map with it
const STYLE = "map-line"; // colours come from view.css

const broken = signal(false);

/** @param {string} kind @param {string} text */
function badge(kind, text) {
  const made = document.createElement("span");
  made.className = `map-pin ${kind}`;
  made.textContent = text;
  return made;
}

/** @param {typeof import("leaflet")} L @param {HTMLElement} place @returns {Drawing} */
function draw(L, place) {
  const still = { zoomAnimation: false, fadeAnimation: false, markerZoomAnimation: false, inertia: false };
  const map = L.map(place, { ...still, attributionControl: false, zoomControl: false, scrollWheelZoom: false });
  L.control.zoom({ zoomInTitle: t("map.closer"), zoomOutTitle: t("map.farther") }).addTo(map);
  L.control.scale({ imperial: false }).addTo(map);
  layPictures(L, map);
  const people = L.layerGroup().addTo(map);
  const around = L.layerGroup().addTo(map);
  let known = "";
  /** @type {import("leaflet").LatLngBounds | null} */
  let bounds = null;

  /** @param {string} kind @param {string} text */
  const icon = (kind, text) => L.divIcon({ className: "", iconSize: [0, 0], html: badge(kind, text) });
  const quiet = { interactive: false, keyboard: false };
  const showAll = () => void (bounds && map.fitBounds(bounds.pad(0.25), { maxZoom: CLOSEST, animate: false }));

  getAreas().then((answer) => {
    for (const area of answer.ok ? answer.body.areas : []) {
      if (area.lat === null || area.lon === null) continue;
      L.marker(drawn({ lat: area.lat, lon: area.lon }), { ...quiet, icon: icon("map-area", area.name), zIndexOffset: -1000 }).addTo(around);
    }
  });

  return {
    show(pins) {
      people.clearLayers();
      const placed = pins.flatMap((pin) => (pin.place ? [{ ...pin, at: L.latLng(drawn(pin.place)) }] : []));
      for (const pin of placed) {
        const age = pin.old ? " map-old" : "";
        if (pin.acc) L.circle(pin.at, { ...quiet, radius: pin.acc, className: `${STYLE} map-${pin.sort}${age}` }).addTo(people);
        const kind = `map-${pin.sort} map-${pin.state ?? "still"}${age}`;
        L.marker(pin.at, { ...quiet, icon: icon(kind, pin.label) }).addTo(people);
      }
      bounds = placed.length > 0 ? L.latLngBounds(placed.map((pin) => pin.at)) : null;
      const now = placed.map((pin) => pin.id).join(" ");
      // Somebody new, or somebody who has walked out of the picture; otherwise it stays as the operator has put it.
      if (now !== known || (bounds && !map.getBounds().contains(bounds))) showAll();
      known = now;
    },
    showAll,
    remove: () => map.remove(),
  };
}

/** @param {{ pins: Pin[] }} props */
export function TownMap({ pins }) {
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  const drawing = useRef(/** @type {Drawing | null} */ (null));
  const newest = useRef(pins);
  newest.current = pins;
  useEffect(() => {
    let left = false;
    // Left, or in another language, while it was being fetched: one place holds one map.
    const begin = (/** @type {typeof import("leaflet")} */ L) => {
      if (left || !place.current) return;
      drawing.current = draw(L, place.current);
      drawing.current.show(newest.current);
    };
    import("leaflet").then(begin).catch(() => (broken.value = true));
    return () => {
      left = true;
      drawing.current?.remove();
      drawing.current = null;
    };
  }, [language.value]);
  useEffect(() => drawing.current?.show(pins), [JSON.stringify(pins)]);
  if (broken.value) return html`<p>${t("map.broken")}</p>`;
  return html`<div class="map-frame">
    <div class="map" role="region" aria-label=${t("map.name")} ref=${place}></div>
    <button type="button" class="map-all" onClick=${() => drawing.current?.showAll()}>${t("map.show_all")}</button>
  </div>`;
}
