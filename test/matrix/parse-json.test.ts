import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson } from '../../src/matrix/canonical-json.ts'
import { MatrixError } from '../../src/matrix/errors.ts'
import { parseJson } from '../../src/matrix/parse-json.ts'

/** With numbers named that are beyond all that a double holds: `JSON.stringify` alone writes null for them. */
const printed = (value: unknown) =>
  JSON.stringify(value, (_key, one) => (one === Infinity || one === -Infinity ? String(one) : one))

describe('parsing what other servers send', () => {
  // The right-hand sides are what Python's json module makes of the left-hand ones.
  it.each([
    ['1.0', '1.0'],
    ['-0', '0'],
    ['-0.0', '-0.0'],
    ['1e10', '10000000000.0'],
    ['1E-7', '1e-07'],
    ['12345e-9', '1.2345e-05'],
    ['0.0001', '0.0001'],
    ['123456.789e3', '123456789.0'],
    ['1e15', '1000000000000000.0'],
    ['1e16', '1e+16'],
    ['1e22', '1e+22'],
    ['123456789012345680.0', '1.2345678901234568e+17'],
    ['5e-324', '5e-324'],
    ['1.7976931348623157e308', '1.7976931348623157e+308'],
    ['0.1000000000000000055511151231257827', '0.1'],
    ['9007199254740992', '9007199254740992'],
    ['123456789012345678901234567890', '123456789012345678901234567890'],
  ])('keeps %s as other servers print it', (source, printed) => {
    const value = parseJson(`{"a":[${source},"1.0",1]}`)
    expect(canonicalJson(value)).toBe(`{"a":[${printed},"1.0",1]}`)
    expect(JSON.stringify(value)).toBe(`{"a":[${printed},"1.0",1]}`)
    expect(canonicalJson(parseJson(canonicalJson(value)))).toBe(canonicalJson(value))
  })

  it('gives plain numbers for integers that a double holds', () => {
    expect(parseJson('[0,-1,9007199254740991,-9007199254740991,999999999999999]')).toEqual([
      0, -1, 9007199254740991, -9007199254740991, 999999999999999,
    ])
  })

  it('does not take the inside of a text for a number', () => {
    const text = '{"a\\"1.5":"\\\\","b":"-0 \\\\\\" 1e5","c":[" 99999999999999999999"]}'
    expect(parseJson(text)).toEqual(JSON.parse(text))
  })

  it('lets the last of two equal keys count, whatever its number', () => {
    expect(canonicalJson(parseJson('{"a":1.5,"a":2}'))).toBe('{"a":2}')
    expect(canonicalJson(parseJson('{"a":2,"a":1.0}'))).toBe('{"a":1.0}')
    expect(canonicalJson(parseJson('{"a":{"b":1.0},"a":{"b":2.0,"c":[3]}}'))).toBe('{"a":{"b":2.0,"c":[3]}}')
  })

  it('keeps __proto__ as an ordinary key', () => {
    const value = parseJson('{"__proto__":{"admin":1.0}}')
    expect(canonicalJson(value)).toBe('{"__proto__":{"admin":1.0}}')
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
  })

  it.each(['', '{', '"', '"\\', '1.', '-', '01', '-01.5', '[1.5', '{"a":1.5,}', 'NaN', '[-Infinity]', '1e', "{'a':1}"])(
    'refuses %j',
    (text) => {
      expect(() => parseJson(text)).toThrow(MatrixError)
    },
  )

  it('survives a nesting bomb', () => {
    const bomb = (inner: string) => '['.repeat(200_000) + inner + ']'.repeat(200_000)
    expect(() => parseJson(bomb('1.5'))).toThrow(MatrixError)
    expect(Array.isArray(parseJson(bomb('1')))).toBe(true)
  })

  it('parses as JSON.parse does, numbers aside, and throws nothing but its error', () => {
    const nearlyJson = fc.array(
      fc.constantFrom(
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        '"',
        '"a"',
        '\\',
        '\\"',
        '1',
        '-',
        '.5',
        'e3',
        '0',
        'null',
        ' ',
        '😀',
      ),
      { maxLength: 12 },
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          nearlyJson.map((parts) => parts.join('')),
          fc.constantFrom('1e311', '[-1e311]'),
        ),
        (text) => {
          let expected: unknown
          try {
            expected = JSON.parse(text)
          } catch {
            expect(() => parseJson(text)).toThrow(MatrixError)
            return
          }
          expect(printed(JSON.parse(JSON.stringify(parseJson(text))))).toBe(printed(expected))
        },
      ),
      { numRuns: 500 },
    )
  })
})
