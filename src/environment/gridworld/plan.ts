import type { Problem, Tick } from '../definition.ts';
import type { Cell, Grid } from './map.ts';

/** Plans: moves (`R3`), and blocks that repeat: `repeat 2 (R U)`, `repeat (R) until wall`, `repeat 5 (R D) until item`. */
export type Step =
  | { readonly kind: 'move'; readonly towards: Direction; readonly count: number }
  | {
      readonly kind: 'repeat';
      /** Null: without end, until something happens. */
      readonly count: number | null;
      readonly plan: readonly Step[];
      readonly until: Happening | null;
    };
export type Direction = 'U' | 'D' | 'L' | 'R';
/** A move that a wall or the edge stopped; an item picked. */
export type Happening = 'wall' | 'item';

const MOST = { count: 99, depth: 12, steps: 200 } as const;
const TOKEN = /\s*(?:([UDLR])(\d*)|(repeat|until|wall|item)\b|(\d+)|([()]))[\s,;]*/y;

/** Raised inside this file only. */
class Unreadable extends Error {}

type Token = { readonly text: string; readonly count?: number };

export function readPlan(text: string): readonly Step[] | Problem {
  try {
    const reader = new Reader(tokenize(text));
    const plan = reader.plan(0);
    return plan.length === 0 ? { problem: 'A plan has at least one step.' } : plan;
  } catch (error) {
    if (error instanceof Unreadable) return { problem: error.message };
    throw error;
  }
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  for (TOKEN.lastIndex = 0; text.slice(TOKEN.lastIndex).trim() !== '';) {
    const from = TOKEN.lastIndex;
    const [, move, times = '', word, number, bracket] = TOKEN.exec(text) ?? [];
    if (move !== undefined) tokens.push({ text: move, count: times === '' ? 1 : counted(times) });
    else if (number !== undefined) tokens.push({ text: '#', count: counted(number) });
    else if (word !== undefined || bracket !== undefined) tokens.push({ text: word ?? bracket ?? '' });
    else throw new Unreadable(`"${text.slice(from).trim().slice(0, 10)}" is no step of a plan.`);
  }
  return tokens;
}

function counted(digits: string): number {
  const count = Number(digits);
  if (count < 1 || count > MOST.count) throw new Unreadable(`A count is a number from 1 to ${MOST.count}.`);
  return count;
}

class Reader {
  private readonly tokens: readonly Token[];
  private at = 0;
  private steps = 0;

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens;
  }

  plan(depth: number): Step[] {
    const steps: Step[] = [];
    for (let token = this.tokens[this.at]; token !== undefined && token.text !== ')'; token = this.tokens[this.at]) {
      if (++this.steps > MOST.steps) throw new Unreadable(`A plan has at most ${MOST.steps} steps.`);
      this.at += 1;
      if (/^[UDLR]$/.test(token.text)) steps.push({ kind: 'move', towards: token.text as Direction, count: token.count ?? 1 });
      else if (token.text === 'repeat') steps.push(this.repeat(depth + 1));
      else throw new Unreadable(`"${token.text === '#' ? String(token.count) : token.text}" stands where a step belongs.`);
    }
    if (depth === 0 && this.at < this.tokens.length) throw new Unreadable('A bracket is closed that was not opened.');
    return steps;
  }

  private repeat(depth: number): Step {
    if (depth > MOST.depth) throw new Unreadable('The plan is nested too deeply.');
    const count = this.tokens[this.at]?.text === '#' ? (this.tokens[this.at++]?.count ?? null) : null;
    this.expect('(');
    const plan = this.plan(depth);
    if (plan.length === 0) throw new Unreadable('There is nothing to repeat.');
    this.expect(')');
    let until: Happening | null = null;
    if (this.tokens[this.at]?.text === 'until') {
      const word = this.tokens[this.at + 1]?.text;
      if (word !== 'wall' && word !== 'item') throw new Unreadable('After "until" comes wall or item.');
      [until, this.at] = [word, this.at + 2];
    }
    if (count === null && until === null) throw new Unreadable('"repeat" needs a count, or "until wall" or "until item".');
    return { kind: 'repeat', count, plan, until };
  }

  private expect(text: string): void {
    if (this.tokens[this.at++]?.text !== text) throw new Unreadable(`"${text}" is missing after "repeat".`);
  }
}

export const writePlan = (plan: readonly Step[]): string => plan.map(writeStep).join(' ');

function writeStep(step: Step): string {
  if (step.kind === 'move') return `${step.towards}${step.count === 1 ? '' : step.count}`;
  const { count, plan, until } = step;
  return `repeat ${count === null ? '' : `${count} `}(${writePlan(plan)})${until === null ? '' : ` until ${until}`}`;
}

export interface End {
  readonly grid: Grid;
  readonly picked: number;
}

/**
 * Walks the plan. A blocked move stays where it is; stepping on an item picks it. What happens ends at once the innermost
 * block that waits for it; where none does, the plan goes on.
 */
export function walk(plan: readonly Step[], start: Grid, tick: Tick): End {
  const cells: Cell[] = [...start.cells];
  const { width } = start;
  const height = cells.length / width;
  const awaited = { wall: 0, item: 0 };
  let [robot, picked] = [start.robot, 0];

  function move(towards: Direction): Happening | null {
    tick();
    const [x, y] = [robot % width, Math.floor(robot / width)];
    const [toX, toY] = [x + (towards === 'R' ? 1 : towards === 'L' ? -1 : 0), y + (towards === 'D' ? 1 : towards === 'U' ? -1 : 0)];
    const to = toY * width + toX;
    if (toX < 0 || toX >= width || toY < 0 || toY >= height || cells[to] === 'X') return 'wall';
    robot = to;
    if (cells[to] !== '*') return null;
    cells[to] = '.';
    picked += 1;
    return 'item';
  }

  /** What ended the steps early: some block around them waits for it. */
  function follow(steps: readonly Step[]): Happening | null {
    for (const step of steps) {
      const times = step.count ?? Infinity;
      const waits = step.kind === 'repeat' ? step.until : null;
      if (waits) awaited[waits] += 1;
      let happened: Happening | null = null;
      for (let i = 0; i < times && happened === null; i++) {
        const seen = step.kind === 'move' ? move(step.towards) : follow(step.plan);
        if (seen && awaited[seen] > 0) happened = seen;
      }
      if (waits) awaited[waits] -= 1;
      if (happened !== null && happened !== waits) return happened;
    }
    return null;
  }

  follow(plan);
  return { grid: { width, cells, robot }, picked };
}
