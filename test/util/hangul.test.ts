import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { foldText, initialsOf, standsFor } from '../../src/util/hangul.ts'

describe('initial consonants', () => {
  it('are those of the syllables, doubled ones as the plain one', () => {
    expect(initialsOf('홍길동')).toBe('ㅎㄱㄷ')
    expect(initialsOf('까치Bob')).toBe('ㄱㅊBob')
  })

  it('stand for all their syllables, plain ones for those with the doubled one', () => {
    for (const syllable of ['가', '길', '깋', '까', '낗']) expect(standsFor('ㄱ', syllable, false)).toBe(true)
    for (const syllable of ['나', '하', 'g']) expect(standsFor('ㄱ', syllable, false)).toBe(false)
    expect(standsFor('ㄲ', '까', false)).toBe(true)
    expect(standsFor('ㄲ', '가', false)).toBe(false)
  })
})

describe('an open syllable', () => {
  it('stands for what it may become, while it is the last one typed', () => {
    expect(standsFor('도', '동', true)).toBe(true)
    expect(standsFor('도', '동', false)).toBe(false)
    expect(standsFor('동', '도', true)).toBe(false)
    expect(standsFor('도', '두', true)).toBe(false)
    expect(standsFor('도', '되', true)).toBe(false)
  })
})

describe('folding', () => {
  it('makes one text of composed and loose letters, capitals and pairs of consonants', () => {
    expect(foldText('홍길동'.normalize('NFD'))).toBe('홍길동')
    expect(foldText('HONG')).toBe('hong')
    expect(foldText('ᄒᄀᄃ')).toBe('ㅎㄱㄷ')
    expect(foldText('김ㄳ')).toBe('김ㄱㅅ')
  })

  it('changes nothing more the second time', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => foldText(foldText(text)) === foldText(text)))
  })
})
