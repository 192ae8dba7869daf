/** What a GGUF file says of how conversations are written. */
import type { ChatFormat } from '../../core/prompts/template.ts';
import type { GgufFile } from './gguf.ts';

/** Vocabularies that begin with beginning-of-sequence unless the file says otherwise (llama.cpp, `llama-vocab.cpp`). */
const STARTS = new Set(['llama', 'bert', 't5']);
const STARTS_BPE = new Set(['llama3', 'llama-v3', 'llama-bpe', 'falcon3', 'pixtral', 'tekken', 'chameleon']);

/** Reads the template and the tokens that it needs; whatever is absent is '' or null. */
export function chatFormatOf(file: GgufFile): ChatFormat {
  const { metadata, tokens } = file;
  const id = (key: string): number | null => {
    const value = metadata.get(`tokenizer.ggml.${key}`);
    return typeof value === 'number' && value < tokens.length ? value : null;
  };
  const text = (token: number | null): string => (token === null ? '' : (tokens[token]?.toString('utf8') ?? ''));
  const template = metadata.get('tokenizer.chat_template');
  const bos = id('bos_token_id');
  const wanted = metadata.get('tokenizer.ggml.add_bos_token');
  const kind = String(metadata.get('tokenizer.ggml.model'));
  const usual = STARTS.has(kind) || (kind === 'gpt2' && STARTS_BPE.has(String(metadata.get('tokenizer.ggml.pre'))));
  return {
    template: typeof template === 'string' && template.trim() !== '' ? template : null,
    bos: text(bos),
    eos: text(id('eos_token_id')),
    startToken: (typeof wanted === 'boolean' ? wanted : usual) ? bos : null,
  };
}
