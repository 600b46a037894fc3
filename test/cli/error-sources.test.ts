import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'

const MODULE = pathToFileURL(join(import.meta.dirname, '../../src/cli/error-sources.ts')).href
const PROGRAM = `import { nameSourcesInErrors } from '${MODULE}'
nameSourcesInErrors(new URL('.', import.meta.url).href)
console.log(new TypeError('broken').stack)
`

/** The stack of an error that the third line of a built file makes. */
function traceOf(map?: object): { lines: string[]; dir: string } {
  const dir = mkdtempSync(join(tmpdir(), 'bongsu-built-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  const file = join(dir, 'program.js')
  writeFileSync(join(dir, 'package.json'), '{"type":"module"}')
  writeFileSync(file, PROGRAM)
  if (map) writeFileSync(`${file}.map`, JSON.stringify(map))
  return { lines: execFileSync(process.execPath, [file], { encoding: 'utf8' }).split('\n'), dir }
}

test('a stack trace names the source of a built file', () => {
  // Line 3 of the file is line 7 of its source, column 9.
  const map = { version: 3, sources: ['src/room.ts'], names: [], mappings: ';;YAMQ' }
  const { lines, dir } = traceOf(map)
  expect(lines[0]).toBe('TypeError: broken')
  expect(lines[1]).toBe(`    at ${pathToFileURL(join(dir, 'src/room.ts')).href}:7:9`)
})

test('without a map it names the built file', () => {
  const { lines, dir } = traceOf()
  expect(lines.slice(0, 2)).toEqual(['TypeError: broken', `    at ${pathToFileURL(join(dir, 'program.js')).href}:3:13`])
})
