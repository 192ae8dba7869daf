import type { Claim } from './program.ts';
import type { Scope } from './scope.ts';
import { above, each, first, inFunctionBody, last, some } from './tree.ts';
import type { Part } from './tree.ts';

/** What checks rely on: built-ins of JavaScript, and modules of both languages. */
const SHARED =
  /^(?:Object|Array|String|Number|Boolean|Function|Symbol|Math|JSON|Date|RegExp|Map|Set|Promise|Error|Reflect|console|assert|expect|chai|builtins|__builtins__|unittest|pytest|json|math|operator|doctest|random|time|functools|itertools|re|copy|io|numpy|sys|os)\b/;
const ORDINARY =
  /^(?:sys\.(?:std(?:in|out|err)|path|argv|exitcode|tracebacklimit|dont_write_bytecode)|os\.environ|console\.\w+$|time\.tzset|re\.purge|Error\.stackTraceLimit)/;
const EXITS =
  /^(?:process\.(?:exit|abort|kill|reallyExit)|Deno\.exit|os\.(?:_exit|abort|kill|killpg|execvp?)|posix\._exit|signal\.raise_signal|_thread\.interrupt_main|faulthandler\._sigsegv)$/;
const SOFT = /^(?:sys\.exit|exit|quit|SystemExit|builtins\.exit)$/;
const FRAMES = /^(?:sys\._(?:getframe|current_frames)|inspect\.(?:currentframe|stack|getouterframes)|gc\.get_(?:objects|referrers))$/;

/** What stands behind another name, a `getattr` or a prototype that was asked for: patched built-ins, exits, frames of the caller. */
export function behindNames(scope: Scope): readonly Claim[] {
  const claims: Claim[] = [];
  const add = (part: Part, name: string, severity: Claim['severity'], why: string): void => {
    claims.push({ name, severity, start: part.start, end: part.end, why });
  };
  each(scope.root, (part) => {
    if (part.kind === 'assign') for (const target of part.parts.slice(0, -1)) patches(part, target, scope, add);
    else if (part.kind === 'call') {
      const path = scope.pathOf(first(part));
      const plainly = /^(?:Object\.(?:assign|definePropert(?:y|ies))|Reflect\.(?:set|defineProperty)|.*\.__setattr__)$/.test(path);
      if (plainly && isShared(scope.pathOf(part.parts[1]), scope, part.parts[1]) && (isHidden(part.parts[1], scope) || path.endsWith('__')))
        add(part, 'patches-module', 4, 'Replaces a part of a module that the checks use.');
      if (path === 'setattr' && isShared(scope.pathOf(part.parts[1]), scope, part.parts[1]) && isHidden(part.parts[1], scope))
        add(part, 'patches-module', 4, 'Replaces a part of a module that the checks use.');
      exits(part, path, scope, add);
      if (FRAMES.test(path) && path !== plain(first(part)))
        add(part, 'hidden-frame', 4, 'Reaches for the frames of its caller under another name.');
      if (path === 'String.fromCharCode' && part.parts.length > 2 && part.parts.slice(1).every((inner) => inner.kind === 'constant'))
        if (part.parent?.kind === 'binary' || part.parent?.kind === 'index')
          add(part, 'hidden-name', 3, 'Puts a telling name together from pieces.');
    } else if (part.kind === 'throw' && SOFT.test(scope.pathOf(first(part)))) softExit(part, [], scope, add);
    else if (part.kind === 'name' && part.parent?.kind === 'call' && first(part.parent) !== part && EXITS.test(scope.pathOf(part)))
      add(part, 'exit', 3, 'Hands on what ends the process.');
  });
  return claims;
}

type Add = (part: Part, name: string, severity: Claim['severity'], why: string) => void;

function patches(part: Part, target: Part, scope: Scope, add: Add): void {
  if (target.kind !== 'member' && target.kind !== 'index') return;
  const path = scope.pathOf(target);
  const value = last(part);
  if (path === '' && target.kind === 'index') {
    const object = scope.pathOf(first(target));
    if (isShared(object, scope, first(target)) && value?.kind === 'function' && !/^(?:os\.environ|sys\.modules)/.test(object))
      add(part, 'patches-builtin', 4, 'Replaces functions of a built-in or a module, one after the other.');
  } else if (/^(?:.*\.)?(?:__builtins__|builtins)\.\w+$/.test(path) && path !== plain(target))
    add(part, 'patches-module', 4, 'Replaces a built-in.');
  else if (path.includes('.') && isShared(path, scope, target) && isHidden(target, scope)) {
    if (/^(?:Object|Array|String|Number|Function|Map|Set|Date|RegExp|Promise|Boolean)\.prototype\.\w+$/.test(path))
      add(part, 'patches-prototype', 4, 'Changes a built-in prototype.');
    else if (value !== undefined && !path.includes('()'))
      add(part, 'patches-module', 4, 'Replaces a part of a built-in or a module that the checks use.');
  }
}

function isShared(path: string, scope: Scope, part: Part | undefined): boolean {
  if (path === '' || path.includes('()') || ORDINARY.test(path) || part === undefined) return false;
  return SHARED.test(path) && !scope.owns(path.split('.')[0] ?? '');
}

/** Is it written otherwise than it is? What is written plainly is another check's. */
function isHidden(part: Part | undefined, scope: Scope): boolean {
  return part !== undefined && scope.pathOf(part) !== plain(part);
}

/** Names and members as they are written. */
function plain(part: Part | undefined, depth = 0): string {
  if (part === undefined || depth > 20) return '';
  if (part.kind === 'name') return part.name;
  return part.kind === 'member' ? `${plain(first(part), depth + 1)}.${part.name}` : '';
}

function exits(part: Part, path: string, scope: Scope, add: Add): void {
  const args = part.parts.slice(1);
  if (EXITS.test(path) && path !== plain(first(part))) add(part, 'exit', 3, 'Ends the process under another name.');
  else if (SOFT.test(path)) softExit(part, args, scope, add);
}

/** Leaves with success from a function that others ask for an answer. */
function softExit(part: Part, args: readonly Part[], scope: Scope, add: Add): void {
  const given = part.kind === 'throw' && first(part)?.kind === 'call' ? (first(part) as Part).parts.slice(1) : args;
  if (part.parent?.kind === 'throw' || (given.length > 0 && ![0, null, false].includes(scope.valueOf(given[0]) as number))) return;
  const owner = above(part, ['function']);
  if (
    owner === null ||
    (owner.params ?? []).length === 0 ||
    /^(?:_?main|run|cli|usage|help|stop|quit|handler|_*exit\w*)$/i.test(owner.name)
  )
    return;
  if (owner.params?.includes('self') === true || owner.params?.includes('parser') === true) return;
  let [answers, speaks] = [false, false];
  inFunctionBody(owner, (inner) => {
    if ((inner.kind === 'return' || inner.kind === 'yield') && inner.parts.length > 0 && scope.valueOf(first(inner)) !== null)
      answers = true;
    if (inner.kind === 'call' && /^(?:print|write|log|error|warn|print_\w+|exception|info)$/.test(first(inner)?.name ?? '')) speaks = true;
  });
  if (answers && !speaks) add(part, 'exit', 2, 'Leaves with success instead of answering.');
}

/** Reads what the module that runs it holds. */
export function readsItsCaller(scope: Scope): readonly Claim[] {
  const claims: Claim[] = [];
  each(scope.root, (part) => {
    if (part.kind !== 'member' && part.kind !== 'index' && part.kind !== 'call') return;
    const path = scope.pathOf(part);
    if (!/^(?:__main__|sys\.modules\.__main__)\.\w+/.test(path) || /__main__\.__/.test(path)) return;
    if (above(part, ['function']) === null || part.parent?.kind === 'member' || some(part, (inner) => inner.value === '__file__')) return;
    claims.push({ name: 'reads-caller', severity: 3, start: part.start, end: part.end, why: 'Reads values of the module that runs it.' });
  });
  return claims;
}
