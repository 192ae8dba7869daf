/**
 * False alarms on ordinary technical text: `node bench/ordinary.ts FOLDER…` reads the documents (md, rst, txt) and the
 * texts between triple quotes of Python files below the folders, in parts of at most 1,500 characters, as if they were thoughts.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createMonitor } from '../safety/monitor.ts';
import { decide, DEFAULT_POLICY } from '../safety/policy/policy.ts';

const PART = 1500;
const LEAST = 200;
const MOST_BYTES = 12e6;

function* textsOf(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\.(md|rst|txt|py)$/i.test(entry.name) || /licen[sc]e|copying|notice/i.test(entry.name)) continue;
    const text = readFileSync(join(entry.parentPath, entry.name), 'utf8').slice(0, 300_000);
    if (entry.name.endsWith('.py')) for (const match of text.matchAll(/"""([^]{200,3000}?)"""/g)) yield match[1] ?? '';
    else for (let at = 0; at < text.length; at += PART) yield text.slice(at, at + PART);
  }
}

const monitor = createMonitor();
const severities = [0, 0, 0, 0, 0];
const rules = new Map<string, number>();
let [parts, bytes, pauses] = [0, 0, 0];
for (const folder of process.argv.slice(2)) {
  for (const text of textsOf(folder)) {
    if (text.length < LEAST || bytes > MOST_BYTES) continue;
    parts++;
    bytes += text.length;
    const { severity, findings } = monitor.scan({ id: String(parts), thought: text });
    severities[severity] = (severities[severity] ?? 0) + 1;
    for (const name of new Set(findings.filter((each) => each.severity >= 4).map(({ detector }) => detector)))
      rules.set(name, (rules.get(name) ?? 0) + 1);
    if (decide(findings, DEFAULT_POLICY, monitor.tiers).action === 'pause') pauses++;
  }
}
console.log(`${parts} parts, ${bytes} characters; by severity 0 to 4: ${severities.join(', ')}; pauses: ${pauses}`);
for (const [name, count] of [...rules].sort((a, b) => b[1] - a[1])) console.log(`  severity 4: ${name} ${count}`);
