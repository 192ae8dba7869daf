import { sanitise } from '../core/inert.ts';

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text for an element or an attribute of HTML: sanitised, and no character of it is markup. */
export const escapeHtml = (text: string): string => sanitise(text).replaceAll(/[&<>"']/g, (char) => ENTITIES[char]!);

/** A table; cells are HTML already. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (tag: 'td' | 'th', row: readonly string[]): string => `<tr>${row.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`;
  return `<table><thead>${cells('th', head)}</thead><tbody>${rows.map((row) => cells('td', row)).join('\n')}</tbody></table>`;
}

/** `text` with the UTF-16 units from `start` to `end` marked; the spans of one text may overlap. */
export function marked(text: string, spans: readonly { readonly start: number; readonly end: number }[]): string {
  const edges = [...new Set([0, text.length, ...spans.flatMap(({ start, end }) => [start, end])])]
    .filter((at) => at >= 0 && at <= text.length)
    .sort((a, b) => a - b);
  return edges
    .slice(1)
    .map((end, index) => {
      const start = edges[index]!;
      const part = escapeHtml(text.slice(start, end));
      return spans.some((span) => span.start < end && span.end > start) ? `<mark>${part}</mark>` : part;
    })
    .join('');
}
