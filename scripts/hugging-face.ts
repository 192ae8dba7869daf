/** `node scripts/hugging-face.ts MODEL.gguf FOLDER`: an F32 model as a folder that transformers, vLLM and SkyRL load (docs/tinker.md). */
import { writeHuggingFace } from '../src/engine/ggml/hugging-face.ts';

const [, , model, folder] = process.argv;
if (model === undefined || folder === undefined) {
  process.stderr.write('Usage: node scripts/hugging-face.ts MODEL.gguf FOLDER\n');
  process.exit(2);
}
try {
  writeHuggingFace(model, folder);
  process.stdout.write(`${folder}\n`);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(3);
}
