import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseLargeJson } from '../../src/federation/large-json.ts'
import { parseJson } from '../../src/matrix/parse-json.ts'

const parsed = (text: string) => parseLargeJson(Buffer.from(text))
const PIECE = 32 * 1024
const filler = (length: number) => JSON.stringify('나'.repeat(length / 3))

it('gives what the parser gives that takes all at once, however the text is taken apart', async () => {
  const large = fc.json({ maxDepth: 4 }).chain((json) =>
    fc
      .array(fc.constantFrom(json, filler(PIECE), '[]', '{}', '1.0', ' -0', '"\\"]"', `[${filler(PIECE)} , ${json}]`), {
        minLength: 1,
        maxLength: 12,
      })
      .map((items) =>
        items.length % 2 === 0
          ? `[${items.join(' , ')}]`
          : `{${items.map((item, index) => `"${['__proto__', 'a', '', '}'][index % 4]}": ${item}`).join()}}`,
      ),
  )
  await fc.assert(
    fc.asyncProperty(large, async (text) => {
      expect(await parsed(text)).toEqual(parseJson(text))
    }),
    { numRuns: 200 },
  )
}, 30_000)

const BIG = filler(2 * PIECE)

it.each([
  ['', 'nothing'],
  [`[${BIG},]`, 'a comma too many'],
  [`[,${BIG}]`, 'a comma at first'],
  [`[[${BIG}],]`, 'a comma after what is large'],
  [`[[${BIG}][${BIG}]]`, 'no comma'],
  [`[1[${BIG}]]`, 'a number before what is large'],
  [`[[${BIG}]1]`, 'a number behind it'],
  [`{"a":1[${BIG}]}`, 'two values'],
  [`{"a"[${BIG}]}`, 'no colon'],
  [`{[${BIG}]}`, 'no key'],
  [`["a":[${BIG}]]`, 'a key in a list'],
  [`[${BIG}}`, 'another bracket'],
  [`[${BIG}`, 'no end'],
  [`${BIG}]`, 'no beginning'],
  [`[${BIG}][${BIG}]`, 'two texts'],
  [`[${BIG}] x`, 'more behind it'],
  [`x [${BIG}]`, 'more before it'],
  [`["${BIG}]`, 'a string without an end'],
  [`${'['.repeat(100_000)}${']'.repeat(100_000)}`, 'a hundred thousand levels'],
])('refuses %#: %j', async (text) => {
  await expect(parsed(text)).rejects.toMatchObject({ errcode: 'M_NOT_JSON' })
})

it('refuses what is not UTF-8, wherever it stands', async () => {
  for (const at of [5, PIECE, 3 * PIECE]) {
    const bytes = Buffer.from(`["${'x'.repeat(4 * PIECE)}",[${BIG}]]`)
    bytes[at] = 0xff
    await expect(parseLargeJson(bytes)).rejects.toMatchObject({ errcode: 'M_NOT_JSON' })
  }
})

it('lets others have their turn while it works', async () => {
  const event = JSON.stringify({ type: 'm.room.member', content: { membership: 'join' }, depth: 1, x: 'y'.repeat(500) })
  const bytes = Buffer.from(`{"state":[${Array.from({ length: 16_000 }, () => event).join()}]}`)
  let turns = 0
  let isDone = false
  const count = () => {
    if (isDone) return
    turns++
    setImmediate(count)
  }
  setImmediate(count)
  await parseLargeJson(bytes)
  isDone = true
  expect(turns).toBeGreaterThan(3)
})
