import { expect, it } from 'vitest'
import { boundaryOf, Multipart } from '../../../src/federation/multipart.ts'

/** Reads all parts of a body that comes in pieces of so many bytes. */
async function read(body: string, bytes: number): Promise<[Record<string, string>, string][]> {
  const source = async function* () {
    const whole = Buffer.from(body)
    for (let at = 0; at < whole.length; at += bytes) yield whole.subarray(at, at + bytes)
  }
  const multipart = new Multipart(source(), 'b')
  const parts: [Record<string, string>, string][] = []
  for (;;) {
    const headers = await multipart.next()
    if (headers === undefined) return parts
    const content: Buffer[] = []
    for await (const piece of multipart.content()) content.push(piece)
    parts.push([Object.fromEntries(headers), Buffer.concat(content).toString()])
  }
}

it('reads the same parts, however the body is cut in pieces', async () => {
  const body =
    'preamble\r\n--b \r\nA: 1\r\nb:2\r\n\r\none\r\n--c\r\n--b\r\n\r\n\r\n--b\r\nC: 한글\r\n\r\n\r\n-\r\n\r\n--b--\r\nend'
  const whole = await read(body, body.length * 3)
  expect(whole).toEqual([
    [{ a: '1', b: '2' }, 'one\r\n--c'],
    [{}, ''],
    [{ c: '한글' }, '\r\n-\r\n'],
  ])
  for (let bytes = 1; bytes < 20; bytes++) expect(await read(body, bytes)).toEqual(whole)
})

it('refuses a body that ends too early, or whose parts begin with too much', async () => {
  await expect(read('--b\r\n\r\nhalf', 5)).rejects.toThrow('ends before')
  await expect(read('', 5)).rejects.toThrow('ends before')
  await expect(read(`${'x'.repeat(5000)}\r\n--b--\r\n`, 1000)).rejects.toThrow('begins with too much')
  await expect(read(`--b\r\n${'x'.repeat(40_000)}`, 1000)).rejects.toThrow('begins with too much')
})

it('finds the boundary of a content type', () => {
  expect(boundaryOf('multipart/mixed; boundary=abc')).toBe('abc')
  expect(boundaryOf('Multipart/Mixed; charset=x; Boundary="a b"')).toBe('a b')
  for (const other of ['application/json', 'multipart/mixed', 'multipart/form-data; boundary=a'])
    expect(boundaryOf(other)).toBeUndefined()
})
