/**
 * Loads models and adapters with node-llama-cpp's own API, nothing of ours, and prints the probability that each next token of
 * a sequence has, and the most likely one. Argument: JSON, a list of { model, adapter (or null), tokens }.
 */
import { getLlama } from 'node-llama-cpp';

const llama = await getLlama({ gpu: false, build: 'never', logLevel: 'error', maxThreads: 1 });
const out = [];
for (const { model: modelPath, adapter, tokens } of JSON.parse(process.argv[2])) {
  const model = await llama.loadModel({ modelPath });
  const context = await model.createContext({
    sequences: 1,
    contextSize: 64,
    threads: 1,
    flashAttention: false,
    experimentalKvCacheKeyType: 'F32',
    experimentalKvCacheValueType: 'F32',
    ...(adapter === null ? {} : { lora: { adapters: [{ filePath: adapter, scale: 1 }] } }),
  });
  const asked = tokens.slice(0, -1).map((token) => [token, { generateNext: { probabilities: true } }]);
  const results = await context.getSequence().controlledEvaluate(asked);
  const maps = results.map((result) => result.next.probabilities);
  out.push({
    probabilities: maps.map((map, i) => map.get(tokens[i + 1])),
    greedy: maps.map((map) => [...map].reduce((a, b) => (b[1] > a[1] ? b : a))[0]),
  });
  await context.dispose();
  await model.dispose();
}
process.stdout.write(JSON.stringify(out));
process.exit(0);
