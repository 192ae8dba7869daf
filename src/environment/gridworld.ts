import type { EnvironmentDefinition } from './definition.ts';
import { readEnd, readGrid, writeEnd, writeGrid } from './gridworld/map.ts';
import type { Grid } from './gridworld/map.ts';
import { readPlan, walk, writePlan } from './gridworld/plan.ts';
import type { Step } from './gridworld/plan.ts';

/**
 * A robot on a small map: a program is a plan, an input the map with the robot's start, an output the map as the plan
 * leaves it and the number of items picked. The walls are part of the output, so an abduction cannot be answered on
 * an easier map.
 */
export const gridworld: EnvironmentDefinition<readonly Step[], Grid> = {
  name: 'gridworld',
  texts: {
    program: 'plan',
    input: 'map with the start',
    output: 'end',
    programForm: 'such as R3 U2 repeat 2 (R D) until wall',
    inputForm: 'rows separated by /, with . free, X wall, * item and one @ for the robot, such as @.*/.X.',
    outputForm: 'the map at the end with @ where the robot is, a space and the number of items picked, such as ..@/.X. 1',
    rules: [
      'Steps are U, D, L, R for a move up, down, left or right, with a count when there are several: R3.',
      'repeat 2 (R U) does a block twice; repeat (R) until wall does it until a move is blocked, repeat (R) until item until an item is picked; repeat 5 (R) until wall at most five times.',
      'A move against a wall or the edge leaves the robot where it is. A robot that comes to an item picks it: the cell is free then.',
      'The plan ends, and it changes something.',
    ],
    examples: [
      {
        idea: 'Two to the right.',
        program: 'R2',
        input: '@.*',
        output: '..@ 1',
        forwards: 'It moves to the second cell, then to the item and picks it.',
        backwards: 'It ended at the right, so it began two cells to the left, and the item was on the way.',
        more: [
          ['@..', '..@ 0'],
          ['.@X', '.@X 0'],
        ],
      },
      {
        idea: 'Down until the wall.',
        program: 'repeat (D) until wall',
        input: '@/./X',
        output: './@/X 0',
        forwards: 'It moves down once, then the wall blocks it.',
        backwards: 'It ended above the wall, so it began further up.',
        more: [
          ['@/*/.', '././@ 1'],
          ['@/X/.', '@/X/. 0'],
        ],
      },
    ],
  },
  seed: { program: 'R', input: '@.' },
  program: { read: readPlan, write: writePlan },
  input: { read: readGrid, write: writeGrid },
  output: readEnd,
  run(plan, start, tick) {
    const { grid, picked } = walk(plan, start, tick);
    return writeEnd(grid, picked);
  },
  trivial: (_plan, starts, ends) =>
    starts.every((start, i) => writeEnd(start, 0) === ends[i]) ? 'The plan changes nothing: the robot ends where it began.' : null,
  samples: [
    {
      program: 'R2 D',
      pairs: [
        ['@.*/.X.', '.../.X@ 1'],
        ['.@./.X.', '.../.X@ 0'],
        ['@X/..', '.X/@. 0'],
        ['@', '@ 0'],
      ],
      same: ['R R D', 'repeat 2 (R) D'],
      wrong: ['D R2', 'R2', 'R D R', 'R2 D9 U', 'r2 d', 'R0 D', 'R2 D)', ''],
    },
    {
      program: 'repeat (R) until wall D',
      pairs: [
        ['@..X/....', '...X/..@. 0'],
        ['@.../....', '..../...@ 0'],
        ['@*X*/....', '..X*/.@.. 1'],
      ],
      same: ['repeat 99 (R) until wall D', 'repeat (R R) until wall D'],
      wrong: ['R2 D', 'repeat (R D) until wall', 'repeat (R) until item D', 'repeat (R)', 'repeat (R until wall D'],
    },
    {
      program: 'repeat 2 (R D) until item U',
      pairs: [
        ['@../.../...', '.../..@/... 0'],
        ['@*./.../...', '.@./.../... 1'],
        ['@../.*./...', '.@./.../... 1'],
      ],
      wrong: ['repeat 2 (R D) U', 'R D R D U', 'repeat 2 (R D) until wall U'],
    },
  ],
  endless: [
    ['repeat (R L) until item', '@..'],
    ['repeat (repeat (R) until wall) until item', '@..'],
  ],
};
