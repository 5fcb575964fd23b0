// Where a place lies on a map whose pictures are in GCJ-02, as Chinese maps are: up to 600 m off, which is another village.
// What is stored and sent is WGS 84; only drawing converts. The same as callcenter/alerts/datum.py, and a test compares them.

/** @typedef {{ lat: number, lon: number }} Place */

const AXIS_M = 6_378_245; // Krasovsky 1940, as GCJ-02 has it
const ECCENTRICITY2 = 0.00669342162296594323;

/** @param {Place} place */
const isInChina = ({ lat, lon }) => lat >= 0.8293 && lat <= 55.8271 && lon >= 72.004 && lon <= 137.8347;

/** @param {number} x @param {readonly (readonly [number, number])[]} pairs */
const waves = (x, pairs) => (pairs.reduce((sum, [high, often]) => sum + high * Math.sin(x * Math.PI * often), 0) * 2) / 3;

/** Degrees by which GCJ-02 lies off. @param {Place} place @returns {Place} */
function offset({ lat, lon }) {
  const x = lon - 105;
  const y = lat - 35;
  const short = waves(x, [[20, 6], [20, 2]]);
  const north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * Math.sqrt(Math.abs(x)) + short
    + waves(y, [[20, 1], [40, 1 / 3], [160, 1 / 12], [320, 1 / 30]]);
  const east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * Math.sqrt(Math.abs(x)) + short
    + waves(x, [[20, 1], [40, 1 / 3], [150, 1 / 12], [300, 1 / 30]]);
  const angle = (lat * Math.PI) / 180;
  const curved = 1 - ECCENTRICITY2 * Math.sin(angle) ** 2;
  const northM = (AXIS_M * (1 - ECCENTRICITY2)) / (curved * Math.sqrt(curved));
  const eastM = (AXIS_M / Math.sqrt(curved)) * Math.cos(angle);
  return { lat: ((north / northM) * 180) / Math.PI, lon: ((east / eastM) * 180) / Math.PI };
}

/** @param {Place} place in WGS 84 @returns {Place} */
export function toGcj02(place) {
  if (!isInChina(place)) return place;
  const off = offset(place);
  return { lat: place.lat + off.lat, lon: place.lon + off.lon };
}
