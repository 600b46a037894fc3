import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/config/load.ts'
import { ConfigMistakes, type Mistake } from '../../src/config/mistakes.ts'

const FILE = '/etc/bongsu/config.yaml'

function mistakesIn(text: string): readonly Mistake[] {
  try {
    parseConfig(text, FILE)
    return []
  } catch (error) {
    if (error instanceof ConfigMistakes) return error.mistakes
    throw error
  }
}

describe('a configuration', () => {
  it('needs nothing but a server name', () => {
    const config = parseConfig('server_name: example.org', FILE)
    expect(config).toMatchObject({
      server_name: 'example.org',
      registration: { mode: 'closed', guests: false },
      rooms: { default_version: '12' },
      http: { headers_timeout: 10_000, max_buffered_bodies: 64 * 1024 * 1024 },
    })
  })

  it('has file names relative to itself, not to where the server was started', () => {
    const { database, paths } = parseConfig('server_name: example.org\npaths:\n  socket_file: run/a.sock', FILE)
    expect(database).toMatchObject({ path: '/etc/bongsu/bongsu.db' })
    expect(paths).toMatchObject({ signing_key_file: '/etc/bongsu/signing.key', socket_file: '/etc/bongsu/run/a.sock' })
  })

  it('takes a secret from a file', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'bongsu-')), 'secret')
    writeFileSync(file, 'hush\n')
    const text = `server_name: example.org\nregistration:\n  shared_secret_file: ${file}`
    expect(parseConfig(text, FILE).registration.shared_secret).toBe('hush')
  })
})

describe('mistakes in a configuration', () => {
  it('are all told at once, each with its line', () => {
    const text = [
      'server_name: "not a name"',
      'lisenters: []',
      'http:',
      '  body_timeout: soon',
      '  max_connections: -1',
      'registration:',
      '  mode: perhaps',
    ].join('\n')
    expect(mistakesIn(text)).toEqual([
      { line: 1, message: 'server_name: must be a host name, such as example.org' },
      { line: 2, message: 'lisenters is not known; did you mean listeners?' },
      { line: 4, message: 'http.body_timeout: must be a length of time such as 30s, 5min, 12h or 7d' },
      { line: 5, message: expect.stringContaining('http.max_connections') },
      { line: 7, message: expect.stringContaining('registration.mode') },
    ])
  })

  it('in a list point at the entry', () => {
    const text =
      'server_name: example.org\nlisteners:\n  - port: 1\n    serves: [client]\n  - prot: 2\n    serves: [client]'
    expect(mistakesIn(text)).toContainEqual({ line: 5, message: 'listeners.1.prot is not known; did you mean port?' })
    expect(mistakesIn(text)).toContainEqual({ line: 5, message: 'listeners.1.port is missing' })
  })

  it('in a choice name what its kind knows', () => {
    const text = 'server_name: example.org\ndatabase:\n  kind: sqlite\n  file: x'
    expect(mistakesIn(text)).toEqual([{ line: 4, message: expect.stringContaining('database.file is not known') }])
  })

  it('are told without a line where something is missing altogether', () => {
    expect(mistakesIn('')).toEqual([{ line: undefined, message: 'server_name is missing' }])
  })

  it('of YAML itself have a line too', () => {
    expect(mistakesIn('server_name: example.org\nhttp: [')).toMatchObject([{ line: 2 }])
  })

  it('include a secret that is given twice, and a file that cannot be read', () => {
    const twice = 'server_name: example.org\nregistration:\n  shared_secret: a\n  shared_secret_file: b'
    expect(mistakesIn(twice)).toEqual([{ line: 4, message: expect.stringContaining('keep one of the two') }])
    const missing = 'server_name: example.org\nregistration:\n  shared_secret_file: /nowhere/at/all'
    expect(mistakesIn(missing)).toEqual([{ line: 3, message: expect.stringContaining('cannot be read') }])
  })

  it('include a PostgreSQL without an address', () => {
    const text = 'server_name: example.org\ndatabase:\n  kind: postgres'
    expect(mistakesIn(text)).toEqual([{ line: 2, message: expect.stringContaining('give url or url_file') }])
  })
})
