/** C's `struct tm` in UTC, for an interpreter whose time zone is UTC everywhere. */

/** Fills the structure at the start of `view` from seconds since 1970. */
export function writeUtc(view: DataView, seconds: number): void {
  const date = new Date(seconds * 1_000);
  const newYear = Date.UTC(date.getUTCFullYear(), 0, 1);
  const fields = [
    date.getUTCSeconds(),
    date.getUTCMinutes(),
    date.getUTCHours(),
    date.getUTCDate(),
    date.getUTCMonth(),
    date.getUTCFullYear() - 1900,
    date.getUTCDay(),
    Math.floor((date.getTime() - newYear) / 86_400_000),
    0,
    0,
  ];
  fields.forEach((field, index) => view.setInt32(4 * index, Number.isNaN(field) ? 0 : field, true));
}

/** Seconds since 1970 of the structure, whose fields may lie outside their ranges as C allows. */
export function readUtc(view: DataView): bigint {
  const [second = 0, minute = 0, hour = 0, day = 0, month = 0, year = 0] = [0, 1, 2, 3, 4, 5].map((index) =>
    view.getInt32(4 * index, true),
  );
  const ms = Date.UTC(1900 + year, month, day, hour, minute, second);
  return Number.isNaN(ms) ? -1n : BigInt(Math.floor(ms / 1_000));
}

export const TM_BYTES = 44;
