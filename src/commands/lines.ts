import { StringDecoder } from 'node:string_decoder';
import type { Readable } from 'node:stream';

/**
 * Lines of a byte stream without their ends; null stands for a line longer than `maxChars`, which is dropped as it
 * comes, so that memory stays bounded whatever is sent.
 */
export async function* splitLines(stream: Readable, maxChars: number): AsyncGenerator<string | null> {
  const decoder = new StringDecoder('utf8');
  let parts: string[] = [];
  let chars = 0;
  const take = (part: string): void => {
    chars += part.length;
    if (chars <= maxChars) parts.push(part);
    else parts = [];
  };
  const finish = (): string | null => {
    const line = chars > maxChars ? null : parts.join('').replace(/\r$/, '');
    parts = [];
    chars = 0;
    return line;
  };
  for await (const chunk of stream) {
    let text = typeof chunk === 'string' ? chunk : decoder.write(chunk as Buffer);
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      take(text.slice(0, end));
      yield finish();
      text = text.slice(end + 1);
    }
    take(text);
  }
  take(decoder.end());
  if (chars > 0) yield finish();
}
