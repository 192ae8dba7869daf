import fc from 'fast-check';
import { dictValue, setValue } from '../../src/environment/python/value.ts';
import type { PyValue } from '../../src/environment/python/value.ts';
import { anyText } from './values.ts';

const float = fc.oneof(
  fc.double(),
  fc.constantFrom(NaN, Infinity, -Infinity, -0, 0, 1, 1e16, 1e15, 9999999999999998, 1e-4, 1e-5, 1e22, 5e-324, 1.7976931348623157e308),
);

const leaf: fc.Arbitrary<PyValue> = fc.oneof(
  fc.constantFrom<PyValue>({ kind: 'none' }, { kind: 'bool', value: true }, { kind: 'bool', value: false }),
  fc.bigInt({ min: -(2n ** 90n), max: 2n ** 90n }).map((value): PyValue => ({ kind: 'int', value })),
  fc.integer({ min: -3, max: 3 }).map((value): PyValue => ({ kind: 'int', value: BigInt(value) })),
  fc
    .constantFrom(2n ** 31n, -(2n ** 31n), 2n ** 31n - 1n, 2n ** 30n, 2n ** 15n, 10n ** 200n)
    .map((value): PyValue => ({ kind: 'int', value })),
  float.map((value): PyValue => ({ kind: 'float', value })),
  fc.tuple(float, float).map(([real, imaginary]): PyValue => ({ kind: 'complex', real, imaginary })),
  anyText.map((value): PyValue => ({ kind: 'str', value })),
  fc.uint8Array({ maxLength: 6 }).map((value): PyValue => ({ kind: 'bytes', value: Buffer.from(value) })),
);

const key: fc.Arbitrary<PyValue> = fc.letrec<{ key: PyValue }>((tie) => ({
  key: fc.oneof(
    { depthSize: 'small' },
    leaf,
    fc.array(tie('key'), { maxLength: 3 }).map((items): PyValue => ({ kind: 'tuple', items })),
    fc.array(tie('key'), { maxLength: 3 }).map((items) => setValue('frozenset', items) as PyValue),
  ),
})).key;

/** Any value with a canonical form. */
export const anyPythonValue: fc.Arbitrary<PyValue> = fc.letrec<{ value: PyValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    leaf,
    fc.array(tie('value'), { maxLength: 4 }).map((items): PyValue => ({ kind: 'list', items })),
    fc.array(tie('value'), { maxLength: 4 }).map((items): PyValue => ({ kind: 'tuple', items })),
    fc.array(key, { maxLength: 4 }).map((items) => setValue('set', items) as PyValue),
    fc.array(fc.tuple(key, tie('value')), { maxLength: 4 }).map((entries) => dictValue(entries) as PyValue),
  ),
})).value;
