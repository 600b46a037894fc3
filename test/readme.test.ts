import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = resolve(import.meta.dirname, '..')
const { scripts } = JSON.parse(readFileSync(resolve(ROOT, 'package.json'), 'utf8'))

describe.each(['README.md', 'CONTRIBUTING.md'])('%s', (name) => {
  const text = readFileSync(resolve(ROOT, name), 'utf8')

  it('names only files that exist', () => {
    const files = text.match(/\b(?:src|test|migrations|bench|scripts|\.ci)\/[\w./-]*\w\/?/g) ?? []
    const links = [...text.matchAll(/\]\((?!https?:)([^)]+)\)/g)].map(([, target = '']) => target)
    const missing = [...new Set([...files, ...links])].filter((file) => !existsSync(resolve(ROOT, file)))
    expect(missing).toEqual([])
  })

  it('names only scripts that exist', () => {
    const named = [...text.matchAll(/npm run (?:--silent )?([a-z:]+)/g)].map(([, script = '']) => script)
    expect(named.filter((script) => !(script in scripts))).toEqual([])
  })
})

describe('the map', () => {
  const map = readFileSync(resolve(ROOT, 'README.md'), 'utf8').split('## The map')[1] ?? ''

  it('fits on a page', () => {
    expect(map.split('\n').length).toBeLessThanOrEqual(60)
  })

  it('names every folder of the sources', () => {
    const entries = readdirSync(resolve(ROOT, 'src'), { withFileTypes: true })
    const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => `src/${name}/`)
    expect(folders.filter((folder) => !map.includes(folder))).toEqual([])
  })
})

it('has CONTRIBUTING.md name every folder of the rooms', () => {
  const text = readFileSync(resolve(ROOT, 'CONTRIBUTING.md'), 'utf8').split('## The rooms')[1] ?? ''
  const entries = readdirSync(resolve(ROOT, 'src/services/rooms'), { withFileTypes: true })
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => `\`${name}/\``)
  expect(folders.filter((folder) => !text.includes(folder))).toEqual([])
})
