import fc from 'fast-check';
import { mapValue, setValue, typedArray } from '../../src/environment/javascript/value.ts';
import type { Value } from '../../src/environment/javascript/value.ts';

/** Any UTF-16 text, lone surrogates and control characters included. */
export const anyText = fc.oneof(
  fc.string(),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 8 }).map((units) => String.fromCharCode(...units)),
  fc.constantFrom('__proto__', 'constructor', '', '10', '2', '\u2028', '\u2029', '\\', '"', "'", '`${1}`', '</script>', '\0'),
);

const number = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.constantFrom(NaN, Infinity, -Infinity, -0, 1e21, 1e-7, 5e-324, 2 ** 53, 1.7976931348623157e308),
);

const leaf: fc.Arbitrary<Value> = fc.oneof(
  fc.constantFrom<Value>({ kind: 'undefined' }, { kind: 'null' }, { kind: 'boolean', value: true }, { kind: 'boolean', value: false }),
  number.map((value): Value => ({ kind: 'number', value })),
  fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }).map((value): Value => ({ kind: 'bigint', value })),
  anyText.map((value): Value => ({ kind: 'string', value })),
  fc.integer({ min: -8e15, max: 8e15 }).map((ms): Value => ({ kind: 'date', ms })),
  fc.array(fc.integer({ min: -300, max: 300 }), { maxLength: 4 }).map((items) => {
    const value = typedArray(
      'Uint8Array',
      items.map((item): Value => ({ kind: 'number', value: item })),
    );
    if (value === null) throw new Error('numbers make a typed array');
    return value;
  }),
);

/** Every kind of value that has a canonical form, nested. */
export const anyValue: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => {
  const many = fc.array(tie('value'), { maxLength: 4 });
  return {
    value: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      leaf,
      fc
        .array(fc.oneof({ weight: 6, arbitrary: tie('value') }, { weight: 1, arbitrary: fc.constant<Value>({ kind: 'hole' }) }), {
          maxLength: 4,
        })
        .map((items): Value => ({ kind: 'array', items })),
      fc.array(fc.tuple(anyText, tie('value')), { maxLength: 4 }).map((entries): Value => ({ kind: 'object', entries })),
      fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 3 }).map(mapValue),
      many.map(setValue),
    ),
  };
}).value;
