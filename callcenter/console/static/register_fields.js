// What each register says of a record: its facts in the order of the form, and how each is typed.

/** @typedef {"residents" | "devices" | "responders" | "areas"} RegisterName */
/** @typedef {"line" | "long" | "number" | "choice" | "area" | "check" | "day" | "contacts" | "secret"} FieldKind */
/** @typedef {{ name: string, kind: FieldKind, most?: number, options?: string[], required?: boolean, start?: unknown }} Field */

/** @param {string} name @param {Partial<Field>} [more] @returns {Field} */
const line = (name, more = {}) => ({ name, kind: "line", most: 100, start: "", ...more });
/** @param {string} name @returns {Field} */
const long = (name) => ({ name, kind: "long", most: 1000, start: "" });
/** @param {string} name @param {string[]} options @param {string} [start] @returns {Field} */
const choice = (name, options, start = options[0]) => ({ name, kind: "choice", options, start });
/** @type {Field[]} */
const PLACE = [{ name: "lat", kind: "number", start: null }, { name: "lon", kind: "number", start: null }];
/** @param {string} name @param {boolean} required @returns {Field} */
const area = (name, required) => ({ name, kind: "area", required, start: "" });

/** @type {Record<RegisterName, Field[]>} */
export const FIELDS = {
  residents: [
    line("name", { required: true }),
    choice("sex", ["", "f", "m"]),
    line("born", { most: 10 }),
    line("phone", { most: 25 }),
    choice("risk", ["low", "normal", "high"], "normal"),
    long("conditions"), long("medicines"), long("allergies"),
    line("household_id", { most: 36 }),
    line("address", { most: 300, required: true }),
    area("area", true),
    ...PLACE,
    long("entry_notes"),
    { name: "contacts", kind: "contacts", start: [] },
    { name: "left_on", kind: "day", start: "" },
    choice("left_why", ["", "moved", "died", "other"]),
  ],
  devices: [
    choice("family", ["bracelet", "home_phone"]),
    line("model", { most: 50 }),
    line("resident_id", { most: 36 }),
    line("household_id", { most: 36 }),
    { name: "password", kind: "secret", most: 200, start: "" },
  ],
  responders: [
    line("name", { required: true }),
    choice("kind", ["neighbour", "family", "village_doctor", "carer", "town_station", "district_command", "hospital"]),
    line("phone", { most: 25, required: true }),
    area("area", true),
    ...PLACE,
    choice("moves", ["walk", "bike", "car"]),
    line("skills", { most: 500 }), line("keys", { most: 500 }), line("hours", { most: 500 }),
    { name: "agreed_on", kind: "day", start: "" },
    { name: "stopped", kind: "check", start: false },
  ],
  areas: [
    line("name", { required: true }),
    choice("kind", ["", "district", "town", "village", "neighbourhood"]),
    area("parent", false),
    ...PLACE,
  ],
};

/** @type {RegisterName[]} */
export const REGISTERS = ["residents", "devices", "responders", "areas"];

/** @type {Record<RegisterName, { sees: import("console-api").Permission, changes: import("console-api").Permission }>} */
export const NEEDS = {
  residents: { sees: "see_people", changes: "change_people" },
  devices: { sees: "see_people", changes: "change_people" },
  responders: { sees: "see_network", changes: "change_network" },
  areas: { sees: "see_network", changes: "change_network" },
};

/** A record that nobody has filled in. @param {RegisterName} register */
export function blank(register) {
  return Object.fromEntries(FIELDS[register].map(({ name, start }) => [name, structuredClone(start)]));
}
