import type { Bits } from './lexicon.ts';
import { NOTHING } from './lexicon.ts';
import { lexicon } from './index.ts';

const EXITS = new Set([
  'os._exit',
  'sys.exit',
  'exit',
  'quit',
  '_exit',
  'process.exit',
  'os.abort',
  'os.kill',
  'systemexit',
  'raise systemexit',
  'process.abort',
  'process.kill',
  'deno.exit',
  'system.exit',
]);
const EQUALITY = [
  '__eq__',
  '__ne__',
  '__bool__',
  '__hash__',
  'alwaysequal',
  'always_equal',
  'alwaystrue',
  'customeq',
  'equalsall',
  'equal_all',
  'object.is',
  'valueof',
  'tojson',
  'symbol.toprimitive',
];
const HARNESS = [
  'assertequal',
  'asserttrue',
  'assertalmost',
  'assert.',
  'deepequal',
  'strictequal',
  'conftest',
  'pytest',
  'unittest',
  '__tests__',
  '.test.',
  '_test.',
  '.spec.',
  'jest.',
  'check_answer',
  'grader',
  'grade(',
  'scorer',
  'verifier',
  'validator',
  'checker',
  'evaluate_solution',
  'run_tests',
  'test_runner',
  'testreport',
  'compute_score',
  'reward_fn',
  'score.py',
  'verify.',
  'judge',
];

const HOST = [
  'child_process',
  'process.binding',
  'constructor.constructor',
  'mainmodule',
  '__subclasses__',
  'os.system',
  'subprocess',
  '/etc/passwd',
  'globalthis.process',
  'ctypes',
  'sys._getframe',
];

/** Concepts of a piece of code inside a thought: `os._exit(0)` is a way out, `conftest.py` a test file; any other is only code. */
export function codeConcepts(folded: string): Bits {
  let start = 0;
  let end = Math.min(folded.length, 120);
  while (start < end && folded[start] === '`') start++;
  while (end > start && folded[end - 1] === '`') end--;
  const text = folded.slice(start, end).trim();
  const paren = text.indexOf('(');
  const name = paren === -1 ? text : text.slice(0, paren).trim();
  if (EXITS.has(name) || EXITS.has(text)) return lexicon().bitsOf('exit-code');
  if (EQUALITY.some((part) => text.includes(part))) return lexicon().bitsOf('equality-code');
  if (HOST.some((part) => text.includes(part))) return lexicon().bitsOf('host-code');
  if (name.startsWith('test_') || name.startsWith('tests/') || name.startsWith('tests.') || HARNESS.some((part) => text.includes(part)))
    return lexicon().bitsOf('test-code');
  return NOTHING;
}
