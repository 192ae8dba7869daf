import type { Problem } from '../definition.ts';

/** A map as text: rows separated by `/`, `.` free, `X` wall, `*` item, `@` the robot on a free cell. */
export interface Grid {
  readonly width: number;
  /** All cells but the robot, row by row. */
  readonly cells: readonly Cell[];
  /** Index of the robot's cell. */
  readonly robot: number;
}
export type Cell = '.' | 'X' | '*';

const MOST_SIDE = 16;

export function readGrid(text: string): Grid | Problem {
  const rows = text
    .trim()
    .replaceAll(/[ \t]*(?:\r?\n|\/)[ \t]*/g, '/')
    .split('/');
  const width = rows[0]?.length ?? 0;
  if (width === 0) return { problem: 'There is no map, for instance @.*/.X. with the robot at @.' };
  if (width > MOST_SIDE || rows.length > MOST_SIDE) return { problem: `A map has at most ${MOST_SIDE} rows and columns.` };
  if (rows.some((row) => row.length !== width)) return { problem: 'The rows of a map are equally long.' };
  const marks = rows.join('');
  const strange = /[^.X*@]/u.exec(marks)?.[0];
  if (strange !== undefined) return { problem: `"${strange}" is no cell of a map; cells are . X * and one @.` };
  const robot = marks.indexOf('@');
  if (robot === -1 || robot !== marks.lastIndexOf('@')) return { problem: 'A map holds exactly one @, the robot.' };
  return { width, cells: [...marks].map((mark) => (mark === '@' ? '.' : (mark as Cell))), robot };
}

export function writeGrid({ width, cells, robot }: Grid): string {
  const marks = cells.map((cell, at) => (at === robot ? '@' : cell)).join('');
  return marks.replaceAll(new RegExp(`.{${width}}(?=.)`, 'g'), '$&/');
}

/** The end of a plan: the map as it is then, and how many items were picked: `..@/.X. 1`. */
export function readEnd(text: string): string | Problem {
  const [, map, count] = /^\s*(\S+)[\s,]+(\d{1,3})\s*$/.exec(text) ?? [];
  if (map === undefined) return { problem: 'An end is a map and the number of items picked, for instance ..@/.X. 1' };
  const grid = readGrid(map);
  return 'problem' in grid ? grid : writeEnd(grid, Number(count));
}

export const writeEnd = (grid: Grid, picked: number): string => `${writeGrid(grid)} ${picked}`;
