import { CHANCE_MARK_SECONDS } from './gate.ts';
import { TYPED_ARRAY_NAMES } from './value.ts';

/**
 * Runs in the guest's realm once, before the image is taken. Reading the clock is a host import that leaves a mark
 * (gate.ts), and random numbers leave one through another import: use of either is seen however a program reached it. Call sites are the one
 * way from a guest function to the functions that called it, so they are switched off.
 */
export const GUEST_PRELUDE = `(() => {
  'use strict';
  const mark = Date.prototype.getTimezoneOffset.bind(new Date(${CHANCE_MARK_SECONDS}000)), draw = Math.random;
  const define = (target, key, value, writable) =>
    Object.defineProperty(target, key, { value, writable, enumerable: false, configurable: writable });
  // Bound, so that its text says no more than that of any built-in function.
  define(Math, 'random', define((() => { mark(); return draw(); }).bind(undefined), 'name', 'random', false), true);
  define(Error, 'prepareStackTrace', undefined, false);
  for (const name of ['performance', 'navigator', 'Atomics', 'SharedArrayBuffer', 'WeakRef', 'FinalizationRegistry', 'gc', 'print']) {
    delete globalThis[name];
  }
  const inert = {};
  for (const name of ['log', 'info', 'warn', 'error', 'debug', 'assert', 'table', 'dir']) define(inert, name, () => undefined, true);
  define(globalThis, 'console', inert, true);
})()`;

/** Prototypes that make a value plain, in the order in which the encoder takes them. */
export const GUEST_PROTOTYPES = `[Object, Array, Map, Set, Date, ${TYPED_ARRAY_NAMES.join(', ')}].map((constructor) => constructor.prototype)`;

/**
 * Runs in a second realm that no program sees, so that a program which patches prototypes cannot forge its output.
 * Gives \`{ bind, call, encode, describe }\`; each takes guest values, and \`encode\` and \`describe\` return text. Every
 * intrinsic is captured before a program runs, and no inherited method is called by name.
 */
export const ENCODER_SOURCE = `(() => {
  'use strict';
  Object.defineProperty(Error, 'prepareStackTrace', { value: undefined, writable: false, configurable: false });
  const { apply, ownKeys, getOwnPropertyDescriptor, getPrototypeOf } = Reflect;
  const uncurry = (method) => (self, a, b) => apply(method, self, [a, b]);
  const getter = (prototype, key) => uncurry(getOwnPropertyDescriptor(prototype, key).get);
  const { isArray } = Array, { is } = Object, Text = String, quote = JSON.stringify;
  const slice = uncurry(String.prototype.slice), sort = uncurry(Array.prototype.sort), join = uncurry(Array.prototype.join);
  const isGraph = uncurry(Map.prototype.has), addNode = uncurry(Map.prototype.set), dropNode = uncurry(Map.prototype.delete), Graph = Map;
  const mapSize = getter(Map.prototype, 'size'), mapEach = uncurry(Map.prototype.forEach);
  const setSize = getter(Set.prototype, 'size'), setEach = uncurry(Set.prototype.forEach);
  const time = uncurry(Date.prototype.getTime);
  const TypedArray = getPrototypeOf(Int8Array.prototype);
  const typedName = getter(TypedArray, Symbol.toStringTag), typedLength = getter(TypedArray, 'length');
  class Refused { constructor(reason) { this.reason = reason; } }
  const refuse = (reason) => { throw new Refused(reason); };
  let plain = null;

  const number = (value) => (is(value, -0) ? '-0' : Text(value));

  function encode(root, maxDepth, maxNodes, maxChars) {
    let nodes = 0, chars = 0;
    const parts = [], open = new Graph();
    const emit = (text) => {
      chars += text.length;
      if (chars > maxChars) refuse('is longer than ' + maxChars + ' characters');
      parts[parts.length] = text;
    };
    const count = () => { if (++nodes > maxNodes) refuse('has more than ' + maxNodes + ' parts'); };
    const own = (object, key, depth) => {
      const property = getOwnPropertyDescriptor(object, key);
      if (property === undefined) { count(); emit('<hole>'); }
      else if (!('value' in property)) refuse('holds an accessor');
      else visit(property.value, depth);
    };
    const visitArray = (value, depth) => {
      const length = getOwnPropertyDescriptor(value, 'length').value;
      emit('[');
      for (let i = 0; i < length; i++) { if (i > 0) emit(','); own(value, i, depth); }
      emit(']');
    };
    const visitMap = (value, depth) => {
      mapSize(value);
      emit('Map{');
      let first = true;
      mapEach(value, (item, key) => { if (!first) emit(','); first = false; visit(key, depth); emit('=>'); visit(item, depth); });
      emit('}');
    };
    const visitSet = (value, depth) => {
      setSize(value);
      emit('Set{');
      let first = true;
      setEach(value, (item) => { if (!first) emit(','); first = false; visit(item, depth); });
      emit('}');
    };
    const visitTyped = (value, depth) => {
      emit(typedName(value) + '[');
      const length = typedLength(value);
      for (let i = 0; i < length; i++) { if (i > 0) emit(','); visit(value[i], depth); }
      emit(']');
    };
    const visitPlain = (value, depth) => {
      const all = ownKeys(value), keys = [];
      for (let i = 0; i < all.length; i++) {
        if (typeof all[i] === 'symbol') refuse('has a symbol as a key');
        const property = getOwnPropertyDescriptor(value, all[i]);
        if (property !== undefined && property.enumerable) keys[keys.length] = all[i];
      }
      sort(keys);
      emit('{');
      for (let i = 0; i < keys.length; i++) { if (i > 0) emit(','); emit(quote(keys[i]) + ':'); own(value, keys[i], depth); }
      emit('}');
    };
    const visitObject = (value, depth) => {
      if (depth > maxDepth) refuse('nests deeper than ' + maxDepth + ' levels');
      if (isGraph(open, value)) refuse('contains itself');
      addNode(open, value, true);
      const prototype = getPrototypeOf(value);
      let kind = prototype === null ? 0 : -1;
      for (let i = 0; i < plain.length && kind < 0; i++) if (plain[i] === prototype) kind = i;
      if (kind < 0 || isArray(value) !== (kind === 1)) refuse('is an instance of a class, not plain data');
      if (kind === 0) visitPlain(value, depth + 1);
      else if (kind === 1) visitArray(value, depth + 1);
      else if (kind === 2) visitMap(value, depth + 1);
      else if (kind === 3) visitSet(value, depth + 1);
      else if (kind === 4) emit('Date(' + number(time(value)) + ')');
      else visitTyped(value, depth + 1);
      dropNode(open, value);
    };
    const visit = (value, depth) => {
      count();
      switch (typeof value) {
        case 'undefined': case 'boolean': return emit(Text(value));
        case 'number': return emit(number(value));
        case 'bigint': return emit(Text(value) + 'n');
        case 'string':
          // Quoting never shortens a text, so an overlong one is refused before it is copied.
          if (chars + value.length > maxChars) refuse('is longer than ' + maxChars + ' characters');
          return emit(quote(value));
        case 'object': return value === null ? emit('null') : visitObject(value, depth);
        default: return refuse('holds a ' + typeof value);
      }
    };
    visit(root, 0);
    return join(parts, '');
  }

  return {
    bind: (prototypes) => { plain = [...prototypes]; },
    call: (f, sets, index) => apply(f, undefined, sets[index]),
    encode: (value, maxDepth, maxNodes, maxChars) => {
      try { return '=' + encode(value, maxDepth, maxNodes, maxChars); }
      catch (error) { if (error instanceof Refused) return '!' + error.reason; throw error; }
    },
    describe: (error) => {
      try {
        if (typeof error !== 'object' || error === null) return 'threw ' + slice(typeof error === 'string' ? quote(error) : Text(error), 0, 200);
        return slice(Text(error.name), 0, 80) + ': ' + slice(Text(error.message), 0, 200);
      } catch { return 'threw a value that cannot be described'; }
    },
  };
})()`;
