import type { FunctionTexts } from './languages.ts';

/** What prompts say about Python, the language of the paper's own tasks. */
export const PYTHON: FunctionTexts = {
  fence: 'python',
  name: 'Python',
  define: 'def f(…): … return …',
  values: 'numbers, strings, booleans, None, lists, tuples, dictionaries and sets',
  arguments: 'the arguments of f as Python literals, separated by commas, strings in quotes; no calls and no names',
  allowed:
    'The standard library is there for pure computation: math, re, string, collections, itertools, functools, heapq, bisect, operator, copy, json, fractions, decimal, statistics, dataclasses, typing and the like; import what you use.',
  banned:
    'os, sys, subprocess, random, time, datetime, threading, open, input, eval, exec, globals, id, hash, the order of a set, attributes with two leading underscores',
  seed: { program: 'def f(x):\n    return x', input: '"Hello World"', output: '"Hello World"' },
  programs: ['def f(a): return a+1', 'def f(a,b): return a+b', 'def f(a): return max(a)'],
};
