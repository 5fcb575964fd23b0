// Shapes that tell kinds and lateness apart without colour. Decorative to a screen reader: the word
// always stands beside them.
import { html } from "./markup.js";

/** Path data on a 20 by 20 grid.
 * @type {Record<string, string>} */
const SHAPES = {
  sos: "M6.2 1h7.6L19 6.2v7.6L13.8 19H6.2L1 13.8V6.2zM9 5v6h2V5zM9 13v2h2v-2z",
  fall: "M10 19 1 5h18zM9 7v5h2V7zM9 13v2h2v-2z",
  fire: "M10 1c1 4 6 6 6 11a6 6 0 0 1-12 0c0-3 2-4 2.5-6C8 7 8.5 8 8.5 9.5 10 7.5 10.5 4 10 1z",
  gas: "M5 15a4 4 0 0 1-.5-7.9A5.5 5.5 0 0 1 15 6.5 4.3 4.3 0 0 1 15 15zM4 17h2v2H4zM9 17h2v2H9zM14 17h2v2h-2z",
  wander: "M10 1a7 7 0 0 1 7 7c0 5-7 11-7 11S3 13 3 8a7 7 0 0 1 7-7zM10 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6z",
  help: "M10 1a9 9 0 1 1 0 18 9 9 0 0 1 0-18zM9 4v7h2V4zM9 13v2.5h2V13z",
  ambulance: "M1 1h18v18H1zM8.5 4.5v4h-4v3h4v4h3v-4h4v-3h-4v-4z",
  offline: "M10 1a9 9 0 1 1 0 18 9 9 0 0 1 0-18zM4.9 6.7 13.3 15.1 15.1 13.3 6.7 4.9z",
  service: "M10 1a7 7 0 0 1 7 7v5l2 3H1l2-3V8a7 7 0 0 1 7-7zM7.5 17h5a2.5 2.5 0 0 1-5 0z",
  battery: "M1 6h15v2.5h3v3h-3V14H1zM3 8v4h3V8z",
  ok: "M10 3a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM10 5.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9z",
  warn: "M10 2 19 18H1zM9 7v6h2V7zM9 14.5v2h2v-2z",
  breach: "M10 1 19 10 10 19 1 10zM9 5v6h2V5zM9 12.5v2h2v-2z",
  pin: "M10 1a7 7 0 0 1 7 7c0 5-7 11-7 11S3 13 3 8a7 7 0 0 1 7-7z",
  pin_hollow: "M10 1a7 7 0 0 1 7 7c0 5-7 11-7 11S3 13 3 8a7 7 0 0 1 7-7zM10 3.5A4.5 4.5 0 0 0 5.5 8c0 3 4.5 7.5 4.5 7.5S14.5 11 14.5 8A4.5 4.5 0 0 0 10 3.5z",
  key: "M13.5 1a5.5 5.5 0 1 1-4.8 8.2L7.5 10.5v2H5.5v2H3.5v2L1 19v-4.5L8.3 7.6A5.5 5.5 0 0 1 13.5 1zM14 4.5a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6z",
  leg_wanted: "M10 3a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM10 5a5 5 0 1 0 0 10 5 5 0 0 0 0-10z",
  leg_placed: "M2 8.5h3v3H2zM8.5 8.5h3v3h-3zM15 8.5h3v3h-3z",
  leg_unknown: "M6 6a4 4 0 1 1 5.5 3.7V12h-3V8h1.5A1.5 1.5 0 1 0 9 6zM8.5 14.5h3v3h-3z",
  leg_ringing: "M10 1a7 7 0 0 1 7 7v5l2 3H1l2-3V8a7 7 0 0 1 7-7zM7.5 17h5a2.5 2.5 0 0 1-5 0z",
  leg_waits: "M4 1h12v3l-4.5 6L16 16v3H4v-3l4.5-6L4 4z",
  leg_talking: "M5 1.5 8 6 6 8c1 2.5 3.5 5 6 6l2-2 4.5 3-2 3.5C8 18.5 1.5 12 1.5 3.5z",
  leg_in_room: "M6.5 3a3 3 0 1 1 0 6 3 3 0 0 1 0-6zM13.5 3a3 3 0 1 1 0 6 3 3 0 0 1 0-6zM1 17a5.5 5.5 0 0 1 9-4.2A5.5 5.5 0 0 1 19 17z",
  leg_held: "M5 3h4v14H5zM11 3h4v14h-4z",
  leg_ending: "M2 8h16v4H2z",
  leg_ended: "M4 4h12v12H4zM6 6v8h8V6z",
  leg_by_hand: "M10 1 19 10 10 19 1 10zM9 5v6h2V5zM9 12.5v2h2v-2z",
};

/** @param {{ name: string }} props */
export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
    <path fill="currentColor" fill-rule="evenodd" d=${SHAPES[name] ?? SHAPES.help} />
  </svg>`;
}
