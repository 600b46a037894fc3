import { expect, it } from 'vitest'
import { giveBack, LongText } from '../../src/util/long-text.ts'

const endOf = (text: LongText) => {
  const end = text.end()
  return typeof end === 'string' ? end : Buffer.concat(end).toString()
}

it('is a string while it is short', () => {
  const text = new LongText()
  expect(text.isEmpty).toBe(true)
  text.push('봉')
  text.push('수')
  expect(text.isEmpty).toBe(false)
  expect(text.end()).toBe('봉수')
})

it('is bytes in pieces once it is long, with all that was pushed in its order', () => {
  const words = Array.from({ length: 40_000 }, (_, at) => `${at}번째 ✉️ `)
  const text = new LongText()
  for (const word of words) text.push(word)
  const pieces = text.end() as readonly Buffer[]
  expect(pieces.length).toBeGreaterThan(2)
  expect(Buffer.concat(pieces).toString()).toBe(words.join(''))
})

it.each([0, 1, 20_000])('takes another of %i words between what comes before and after', (count) => {
  const inner = new LongText()
  for (let at = 0; at < count; at++) inner.push(`${at}번째 `)
  const outer = new LongText()
  outer.push('<')
  outer.push(inner)
  outer.push('>')
  expect(endOf(outer)).toBe(`<${Array.from({ length: count }, (_, at) => `${at}번째 `).join('')}>`)
})

it('is made of parts', () => {
  expect(new LongText('<', new LongText('봉', '수'), '>').end()).toBe('<봉수>')
})

it.each([0, 1, 3, 40_000])('puts commas between %i items of a list', (count) => {
  const items = Array.from({ length: count }, (_, at) => `"${at}번째"`)
  const list = new LongText()
  for (const item of items) list.pushItem(item)
  expect(endOf(new LongText('[', list, ']'))).toBe(`[${items.join()}]`)
})

it('gives back the memory of its pieces, but not of what they share with others', () => {
  const pieces = new LongText('가'.repeat(200_000)).end() as readonly Buffer[]
  const short = Buffer.from('봉수')
  const neighbour = Buffer.from('봉수')
  giveBack([...pieces, short])
  expect(pieces.map(({ byteLength }) => byteLength)).toEqual(pieces.map(() => 0))
  expect(neighbour.toString()).toBe('봉수')
})
