// Days as this computer counts them, and the moments at which they begin.

/** Midnight at the beginning of a day (or of the one `later` days after it); empty without a day.
 * @param {FormDataEntryValue | null} day @param {number} later days */
export function midnight(day, later) {
  if (!day) return "";
  const at = new Date(`${day}T00:00:00`);
  at.setDate(at.getDate() + later);
  return at.toISOString();
}
