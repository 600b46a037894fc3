import { expect, it } from 'vitest'
import { finderOf, roomTexts } from '../../../src/services/rooms/directory/public-room-search.ts'

const budget = roomTexts(['2027 예산안 검토방', '까치 홍보', '#budget:example.org'])
const finds = (term: string, room = budget) => finderOf(term)(room)

it.each(['예산', '산안', '검토', '예산안검토', '예산안 검토', '예산'.normalize('NFD'), 'BUDGET', '２０２７'])(
  'finds a room by a part of its texts: %s',
  (term) => {
    expect(finds(term)).toBe(true)
    expect(finds(term, roomTexts(['2027 예산안 검토방'.normalize('NFD'), '#budget:example.org']))).toBe(true)
  },
)

it.each(['ㅇㅅㅇ', 'ㅇㅅㅇㄱㅌ', 'ㅇㅅㅇ ㄱㅌ', '예ㅅ안', 'ㄱㅌㅂ', 'ㄱㅊ', 'ㄲㅊ', 'ㄱㅌ바', '검토ㅂ'])(
  'finds it by initial consonants: %s',
  (term) => expect(finds(term)).toBe(true),
)

it.each(['예산만', 'ㅇㅅㅁ', '여ㅅ안', 'ㄲㅌㅂ', 'ㅂㄲ', 'b udget', 'ㅏ'])('does not find it by %s', (term) => {
  expect(finds(term)).toBe(false)
})

it('takes two consonants that the keyboard joined as two', () => {
  expect(finds('ㄳ', roomTexts(['감사']))).toBe(true)
})

it('does not look across two texts', () => {
  expect(finds('검토방까치')).toBe(false)
  expect(finds('ㅂㄱㅊ')).toBe(false)
})

it('looks only at the beginning of a long text, and at all of the next one', () => {
  const room = roomTexts([`${'잡담 '.repeat(20_000)}예산`, '#budget:example.org'])
  expect(['잡담', 'ㅈㄷ', 'budget'].map((term) => finds(term, room))).toEqual([true, true, true])
  expect(['예산', 'ㅇㅅ'].map((term) => finds(term, room))).toEqual([false, false])
  expect(room.text.length + room.compact.length + room.initials.length).toBeLessThan(4_000)
})
