import { describe, expect, it } from 'vitest'
import { Glob } from '../../../src/services/push-rules/glob.ts'

describe('A glob', () => {
  it.each([
    ['lunc?*', 'lunch plans', true],
    ['lunc?*', 'lunch', true],
    ['lunc?*', ' lunch', false],
    ['lunc?*', 'lunc', false],
    ['*', '', true],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'acb', false],
    ['ab', 'abc', false],
    ['?', '😀', true],
  ])('%s against the whole of %j: %s', (pattern, text, expected) => {
    expect(new Glob(pattern).matches(text)).toBe(expected)
  })

  it.each([
    ['ex*ple', 'an example event.', true],
    ['ex*ple', 'exple', true],
    ['ex*ple', 'an exciting triple-whammy', true],
    ['cake', 'cakes', false],
    ['cake', 'pancake and cake', true],
    ['김철수', '김철수님, 보고서 부탁드립니다', true],
    ['@room', 'hello @room!', true],
    ['*', 'anything', true],
  ])('%s against words of %j: %s', (pattern, text, expected) => {
    expect(new Glob(pattern).matchesWords(text)).toBe(expected)
  })

  it('stays quick on patterns that make regular expressions explode', () => {
    const started = performance.now()
    new Glob('a*'.repeat(200)).matchesWords('a'.repeat(50_000))
    new Glob(`${'*?a'.repeat(80)}b`).matchesWords('a'.repeat(20_000))
    expect(performance.now() - started).toBeLessThan(500)
  })
})
