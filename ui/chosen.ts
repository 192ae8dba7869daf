import type { RolloutRecord } from '../src/core/events.ts';
import type { Task } from '../src/core/types.ts';
import { callOf } from './highlight.ts';
import { selectedRun } from './runs.ts';
import { chartPaths, selectedRollout, selectedStream, shownTasks, values } from './select.ts';
import type { AppState } from './store.ts';
import { sanitise } from './text.ts';

/** The text that is chosen on the screen, whole and inert, for the clipboard, a pager or an editor. Pure. */
const part = (title: string, text: string): string => (text === '' ? '' : `## ${title}\n${text}\n\n`);

function rolloutText({ rollout, outcome, reward, detail }: RolloutRecord): string {
  return [
    `# rollout ${rollout.id}, step ${rollout.step}, ${rollout.role} ${rollout.taskType}: ${outcome}, reward ${reward}\n${detail}\n\n`,
    part('thought', rollout.thought),
    part('answer', rollout.answer),
    rollout.program !== null && rollout.program !== rollout.answer ? part('program', rollout.program) : '',
    part('prompt', rollout.prompt),
    rollout.thought === '' && rollout.answer === '' ? part('completion', rollout.completion) : '',
  ].join('');
}

function taskText(task: Task): string {
  const sides =
    task.type === 'induction'
      ? part('message', task.message) +
        part('pairs', task.pairs.map((pair) => `${callOf(task.program, pair.input)} = ${pair.output}`).join('\n'))
      : part('input', task.input) + part('output', task.output);
  return `# task ${task.id}, ${task.type}, step ${task.step}\n\n${part('program', task.program)}${sides}`;
}

function rawText(state: AppState): string | null {
  switch (state.screen) {
    case 'thoughts': {
      if (state.thoughts.mode === 'live') return state.live[selectedStream(state)]?.text ?? null;
      const record = selectedRollout(state);
      return record && rolloutText(record);
    }
    case 'safety':
      return state.safety.record && rolloutText(state.safety.record);
    case 'tasks': {
      const task = shownTasks(state.tasks.rows, state.tasks.text)[state.tasks.index];
      return task ? taskText(task) : null;
    }
    case 'charts': {
      const path = chartPaths(state)[state.charts.index];
      if (path === undefined) return null;
      const found = values(state.view.steps, path);
      return [`step\t${path}`, ...state.view.steps.map(([step], index) => `${step}\t${found[index]}`)].join('\n');
    }
    case 'runs':
      return selectedRun(state.runs)?.dir ?? null;
    default:
      return null;
  }
}

export function chosenText(state: AppState): string | null {
  const raw = rawText(state);
  // Tabs of the metric table stay; everything a terminal could obey does not.
  return raw === null ? null : raw.split('\t').map((piece) => sanitise(piece, false)).join('\t'); // prettier-ignore
}

const MOST_COPIED = 100_000;

/** The sequence that puts a text on the clipboard of the terminal, also over ssh; long texts are cut. */
export const copySequence = (text: string): string => `\x1b]52;c;${Buffer.from(text.slice(0, MOST_COPIED)).toString('base64')}\x07`;
