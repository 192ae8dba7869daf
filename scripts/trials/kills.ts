/**
 * `npm run test:kills [-- --kills 200 --seed 1 --steps 30]`: kills a run with SIGKILL at random times until it was killed so often,
 * lets it end, and compares it with one that never stopped: every metric, every rollout and the last checkpoint must be the same
 * to the bit, the audit chain whole, the journal undamaged. A run that ended before its kill makes room for another. Exit code 1
 * at the first difference.
 */
import { join } from 'node:path';
import { rmSync } from 'node:fs';
import { bundle, chance, faultOf, fingerprint, option, start, workplace } from './trial.ts';

const [kills, seed, steps] = [option('kills', 200), option('seed', 1), option('steps', 30)];
using place = workplace();
const script = await bundle('run');
const random = chance(seed);

const whole = await start(script, [join(place.dir, 'whole'), String(steps)], place);
if (whole.code !== 0) throw new Error(`The unbroken run ended with ${whole.code}: ${whole.stderr}`);
const wanted = fingerprint(join(place.dir, 'whole'), steps);
process.stdout.write(`unbroken: ${steps} steps in ${(whole.ms / 1000).toFixed(1)} s, metrics ${wanted.metrics}\n`);

const fail = (message: string): never => {
  process.stderr.write(`${message}\nRepeat with: npm run test:kills -- --kills ${kills} --seed ${seed} --steps ${steps}\n`);
  process.exit(1);
};

let done = 0;
let runs = 0;
const spread: number[] = [];
while (done < kills) {
  const dir = join(place.dir, `run-${++runs}`);
  for (let ended = false; !ended;) {
    const armed = done < kills;
    // Half of the kills by the clock, from the first instruction on; half some milliseconds after a step was reported.
    const delay = random() * whole.ms * 0.6;
    const [after, more] = [1 + Math.floor(random() * 4), random() * 60];
    let lines = 0;
    const result = await start(script, [dir, String(steps)], {
      ...place,
      ...(armed && random() < 0.5
        ? { kill: delay }
        : { onLine: (_line, kill) => void (armed && ++lines === after && setTimeout(kill, more)) }),
    });
    if (result.signal === 'SIGKILL') {
      done++;
      spread.push(result.ms);
      if (done % 20 === 0) process.stdout.write(`${done} kills, ${runs} runs\n`);
    } else if (result.code === 0) ended = true;
    else fail(`Run ${runs} ended with ${result.code ?? result.signal} after ${done} kills: ${result.stderr}`);
  }
  const found = fingerprint(dir, steps);
  if (JSON.stringify(found) !== JSON.stringify(wanted)) fail(`Run ${runs} differs: ${JSON.stringify({ wanted, found })}`);
  const fault = faultOf(dir);
  if (fault !== null) fail(`Run ${runs} is damaged: ${fault}`);
  rmSync(dir, { recursive: true, force: true });
}
const at = spread.sort((a, b) => a - b);
process.stdout.write(
  `${done} kills in ${runs} runs of ${steps} steps, from ${at[0]?.toFixed(0)} to ${at.at(-1)?.toFixed(0)} ms after the start: every resume went on; metrics, rollouts and last checkpoint bit-identical, audit logs whole.\n`,
);
