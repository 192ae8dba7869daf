import type { LanguageTexts } from './languages.ts';

/** What prompts say about Python, the language of the paper's own tasks. */
export const PYTHON: LanguageTexts = {
  fence: 'python',
  name: 'Python',
  define: 'def f(…): … return …',
  values: 'numbers, strings, booleans, None, lists, tuples, dictionaries and sets',
  arguments: 'the arguments of f as Python literals, separated by commas, strings in quotes; no calls and no names',
  allowed:
    'The standard library is there for pure computation: math, re, string, collections, itertools, functools, heapq, bisect, operator, copy, json, fractions, decimal, statistics, dataclasses, typing and the like; import what you use.',
  banned:
    'os, sys, subprocess, random, time, datetime, threading, open, input, eval, exec, globals, id, hash, the order of a set, attributes with two leading underscores',
  worked: [
    {
      idea: 'Add one.',
      program: 'def f(a): return a+1',
      input: '3',
      output: '4',
      forwards: '3+1 is 4.',
      backwards: '4-1 is 3.',
      more: [
        ['8', '9'],
        ['0', '1'],
      ],
    },
    {
      idea: 'Join two words.',
      program: 'def f(a,b): return a+b',
      input: '"cat","dog"',
      output: '"catdog"',
      forwards: 'cat and dog make catdog.',
      backwards: 'catdog is made of cat and dog.',
      more: [
        ['"a","b"', '"ab"'],
        ['"on","ly"', '"only"'],
      ],
    },
    {
      idea: 'The largest number.',
      program: 'def f(a): return max(a)',
      input: '[4,9,2]',
      output: '9',
      forwards: '9 is larger than 4 and 2.',
      backwards: 'The largest of them must be 9.',
      more: [
        ['[7]', '7'],
        ['[1,3]', '3'],
      ],
    },
  ],
};
