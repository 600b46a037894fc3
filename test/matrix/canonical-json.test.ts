import stringify from 'canonical-json'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalFlaw } from '../../src/matrix/canonical-flaw.ts'
import { canonicalJson } from '../../src/matrix/canonical-json.ts'
import { parseJson } from '../../src/matrix/parse-json.ts'

/** Any JSON that has a strict canonical form. */
const strictJson = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.string({ unit: 'grapheme' }),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(
      fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('10', '9', '__proto__', '\ue000', '😀')),
      tie('value'),
      {
        maxKeys: 6,
        noNullPrototype: true,
      },
    ),
  ),
})).value

describe('canonical JSON', () => {
  // Spec: appendices, Canonical JSON, Examples.
  it.each([
    ['{}', '{}'],
    ['{ "one": 1, "two": "Two" }', '{"one":1,"two":"Two"}'],
    ['{ "b": "2", "a": "1" }', '{"a":"1","b":"2"}'],
    [
      '{"auth":{"success":true,"mxid":"@john.doe:example.com","profile":{"display_name":"John Doe","three_pids":[{"medium":"email","address":"john.doe@example.org"},{"medium":"msisdn","address":"123456789"}]}}}',
      '{"auth":{"mxid":"@john.doe:example.com","profile":{"display_name":"John Doe","three_pids":[{"address":"john.doe@example.org","medium":"email"},{"address":"123456789","medium":"msisdn"}]},"success":true}}',
    ],
    ['{ "a": "日本語" }', '{"a":"日本語"}'],
    ['{ "本": 2, "日": 1 }', '{"日":1,"本":2}'],
    ['{ "a": "\\u65E5" }', '{"a":"日"}'],
    ['{ "a": null }', '{"a":null}'],
    ['{ "a": -0, "b": 1e10 }', '{"a":0,"b":10000000000}'],
  ])('writes %s as the specification does', (source, expected) => {
    expect(canonicalJson(JSON.parse(source))).toBe(expected)
  })

  it('orders keys by code point, where JavaScript orders by code unit', () => {
    expect(canonicalJson({ '\uff61': 1, '😀': 2, a: 3, 10: 4, 9: 5, '': 6 })).toBe(
      '{"":6,"10":4,"9":5,"a":3,"｡":1,"😀":2}',
    )
  })

  it('puts a key before those that begin with it', () => {
    expect(canonicalJson({ '😀a': 1, '😀': 2 })).toBe('{"😀":2,"😀a":1}')
  })

  it('keeps a key named __proto__', () => {
    expect(canonicalJson(JSON.parse('{"b":{"__proto__":{"x":1}},"__proto__":2}'))).toBe(
      '{"__proto__":2,"b":{"__proto__":{"x":1}}}',
    )
  })

  it('escapes as little as possible', () => {
    expect(canonicalJson('\b\t\n\f\r"\\/\u0000\u001f\u007f\u2028é')).toBe(
      '"\\b\\t\\n\\f\\r\\"\\\\/\\u0000\\u001f\u007f\u2028é"',
    )
  })

  it('leaves out what is undefined, and refuses what is no JSON', () => {
    expect(canonicalJson({ a: undefined, b: 1 })).toBe('{"b":1}')
    expect(() => canonicalJson({ a: 1n })).toThrow(TypeError)
  })

  it('comes back unchanged from any parser', () => {
    fc.assert(
      fc.property(strictJson, (value) => {
        const text = canonicalJson(value)
        expect(canonicalFlaw(value, true)).toBeUndefined()
        expect(canonicalJson(JSON.parse(text))).toBe(text)
        expect(canonicalJson(parseJson(text))).toBe(text)
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  it('agrees with the package canonical-json where that is right', () => {
    const key = fc.stringMatching(/^[a-z._]{1,8}$/).filter((text) => text !== '__proto__')
    const value = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.boolean(),
        fc.maxSafeInteger(),
        fc.string({ unit: 'grapheme' }),
        fc.array(tie('value')),
        fc.dictionary(key, tie('value'), { noNullPrototype: true }),
      ),
    })).value
    fc.assert(
      fc.property(value, (json) => {
        expect(canonicalJson(json)).toBe(stringify(json))
      }),
    )
  })
})

describe('flaws of canonical JSON', () => {
  const nested = (depth: number) => JSON.parse(`${'[{"a":'.repeat(depth / 2)}1${'}]'.repeat(depth / 2)}`)

  it.each(['1.5', '1.0', '1e3', '-0', '9007199254740992', '-9007199254740992', '0.0'])(
    'refuses %s where strict',
    (source) => {
      expect(canonicalFlaw(parseJson(`{"a":[${source}]}`), true)).toMatch(/integer/)
      expect(canonicalFlaw(parseJson(`{"a":[${source}]}`), false)).toBeUndefined()
    },
  )

  it('refuses numbers that no double holds, and keeps integers of any length', () => {
    expect(canonicalFlaw(parseJson('[1e400]'), false)).toMatch(/range/)
    expect(canonicalFlaw(JSON.parse('[1e400]'), false)).toMatch(/range/)
    expect(canonicalFlaw(parseJson(`[${'9'.repeat(400)}]`), false)).toBeUndefined()
  })

  it('refuses unpaired surrogates in texts and keys', () => {
    expect(canonicalFlaw(parseJson('["\\ud83d"]'), false)).toMatch(/surrogate/)
    expect(canonicalFlaw(parseJson('{"\\ude00":1}'), false)).toMatch(/surrogate/)
    expect(canonicalFlaw(parseJson('["\\ud83d\\ude00"]'), true)).toBeUndefined()
  })

  it('refuses nesting that would overflow the stack', () => {
    expect(canonicalFlaw(nested(1000), true)).toBeUndefined()
    expect(canonicalFlaw(nested(1002), true)).toMatch(/deep/)
    expect(canonicalFlaw(nested(200_000), true)).toMatch(/deep/)
  })
})
