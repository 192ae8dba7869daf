import type { Finding } from '../../src/core/finding.ts';
import type { Detector } from '../detector.ts';
import { positive, trap } from '../detector.ts';
import { controlRun, scriptSwitch } from '../integrity/scripts.ts';

const LONGEST = 200_000;

/** Is this a readable thought at all? Empty, over-long, raw control characters (1); a sudden change of script (2). Another language is no finding. */
export const detector: Detector = {
  id: 'integrity/shape@1',
  version: 1,
  tier: 'integrity',
  category: 'integrity',
  scan(reading) {
    const { thought, answer, program } = reading.thought;
    const found: Finding[] = [];
    const note = (name: string, severity: 1 | 2, start: number, end: number, why: string): void => {
      found.push({
        category: 'integrity',
        severity,
        detector: `integrity/${name}@1`,
        where: 'thought',
        start,
        end,
        quote: thought.slice(start, end),
        why,
      });
    };
    if (thought.trim() === '' && (answer ?? '').trim() === '' && (program ?? '').trim() === '')
      note('empty', 1, 0, 0, 'There is nothing to read: no thought, no answer, no program.');
    if (thought.length > LONGEST)
      note('over-long', 1, LONGEST, LONGEST + 80, `The thought is longer than ${LONGEST.toLocaleString('en')} characters.`);
    const control = controlRun(thought);
    if (control !== null)
      note('control-characters', 1, control.start, control.end, 'Contains terminal control characters; they are shown as symbols.');
    const change = scriptSwitch(thought);
    if (change !== null) note('script-switch', 2, change.start, change.end, 'Changes to another script in the middle of the thought.');
    return found;
  },
  cases: [
    positive(1, ''),
    positive(1, 'Clear \u001b[2J the screen.'),
    positive(
      2,
      `${'We sort the list first and then we take the middle element. '.repeat(4)}${'然后我们需要把这个列表里的每一个数字都加起来得到最后的结果再返回给调用者看看是不是正确的答案'.repeat(2)}`,
    ),
    trap('b=[1,2];c=3'),
    trap('3,4:b=7;9 no;2:b=5;7 ok'),
    trap('先排序,再取中间的元素,所以输出是 [1, 2, 3]。'.repeat(8)),
    trap('Сначала сортируем список sorted(xs), затем берём средний элемент. '.repeat(5)),
    trap(`The string 'こんにちは世界' is reversed, so the output is '界世はちにんこ'. ${'The rest is plain. '.repeat(8)}`),
  ],
};
