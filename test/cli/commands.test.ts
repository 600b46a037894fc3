import { appendFileSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { reportLine } from '../../src/cli/report.ts'
import { loadConfig } from '../../src/config/load.ts'
import { type CommandLine, commandLine } from '../support/command.ts'

/** Cheap hashes, ports that are free, a quiet log. */
const FOR_TESTS = `
listeners: [{ port: 0, serves: [client, health, metrics] }]
passwords: { hash: { kind: argon2id, memory_kib: 8, passes: 1 } }
logging: { level: silent }
`

/** A server's home, with its server not started yet. */
async function home(): Promise<CommandLine> {
  const line = commandLine()
  await line.run('init', '--server-name', 'example.org')
  appendFileSync(line.configFile, FOR_TESTS)
  return line
}

describe('bongsu init', () => {
  it('makes a configuration and a key that only their user may read', async () => {
    const { run, configFile } = commandLine()
    expect(await run('init', '--server-name', 'example.org', '--public-url', 'https://m.example.org')).toMatchObject({
      code: 0,
      out: expect.stringContaining('Made'),
    })
    expect(readFileSync(configFile, 'utf8')).toContain('public_url: https://m.example.org')
    const key = join(dirname(configFile), 'signing.key')
    expect(readFileSync(key, 'utf8')).toMatch(/^ed25519 a_\w+ \S+\n$/)
    expect(statSync(key).mode & 0o777).toBe(0o600)
    expect(statSync(dirname(configFile)).mode & 0o777).toBe(0o700)
  })

  it('never overwrites what is there', async () => {
    const { run, configFile } = await home()
    const before = readFileSync(configFile, 'utf8')
    expect(await run('init', '--server-name', 'other.org')).toMatchObject({ code: 1 })
    expect(readFileSync(configFile, 'utf8')).toBe(before)
  })

  it('refuses what is no server name, and leaves nothing behind', async () => {
    const { run } = commandLine()
    expect((await run('init', '--server-name', 'not a name')).out).toContain('must be a host name')
    expect((await run('init', '--server-name', 'example.org')).code).toBe(0)
  })
})

describe('bongsu start', () => {
  it('prints one line, and ends when it is told to', async () => {
    const line = await home()
    const { out, stop } = await line.start()
    expect(out).toMatch(/^Bongsu \d+\.\d+\.\d+ serves example.org at http:\S+$/)
    expect(await stop()).toBe(0)
  })

  it('refuses a database of another server', async () => {
    const line = await home()
    await (await line.start()).stop()
    writeFileSync(line.configFile, readFileSync(line.configFile, 'utf8').replace('example.org', 'other.org'))
    expect(await line.run('migrate')).toMatchObject({ code: 1, out: expect.stringContaining('can never change') })
  })

  it('refuses to be the second on one database', async () => {
    const line = await home()
    await line.start()
    expect(await line.run('start')).toMatchObject({ code: 1, out: expect.stringMatching(/in use|another process/i) })
  })
})

describe('bongsu user', () => {
  for (const isRunning of [false, true]) {
    it(`makes, lists, changes and ends accounts ${isRunning ? 'beside' : 'without'} a running server`, async () => {
      const line = await home()
      if (isRunning) await line.start()
      expect(await line.run('user', 'create', '--admin', 'Alice')).toEqual({
        code: 0,
        out: '@alice:example.org was made.',
      })
      await line.run('user', 'create', 'bob')
      const listed = (await line.run('user', 'list')).out.split('\n')
      expect(listed).toEqual([
        expect.stringMatching(/^@alice:example.org {2}\d{4}-\d\d-\d\d {2}admin$/),
        expect.stringMatching(/^@bob:example.org {2}\d{4}-\d\d-\d\d$/),
      ])
      expect((await line.run('user', 'set-password', 'bob')).out).toBe('@bob:example.org has a new password.')
      expect((await line.run('user', 'add-email', 'bob', 'Bob@Mail.example.org')).out).toBe(
        '@bob:example.org has the address.',
      )
      expect(await line.run('user', 'add-email', 'alice', 'bob@mail.example.org')).toMatchObject({ code: 1 })
      expect(await line.run('user', 'add-email', 'alice', 'no address')).toMatchObject({ code: 1 })
      await line.run('user', 'remove-email', 'bob', 'bob@mail.example.org')
      expect(await line.run('user', 'add-email', 'alice', 'bob@mail.example.org')).toMatchObject({ code: 0 })
      expect((await line.run('user', 'deactivate', 'bob')).out).toBe('@bob:example.org is deactivated.')
      expect((await line.run('user', 'list')).out).toMatch(/@bob:example.org.*deactivated/)
    })
  }

  it('says why not', async () => {
    const line = await home()
    await line.run('user', 'create', 'alice')
    expect(await line.run('user', 'create', 'alice')).toEqual({ code: 1, out: 'This user name is taken' })
    expect(await line.run('user', 'set-password', 'nobody')).toEqual({ code: 1, out: 'There is no such account' })
    line.password = 'short'
    expect((await line.run('user', 'create', 'carol')).out).toMatch(/at least 8 characters/)
  })

  it('leaves a socket that only its user can open', async () => {
    const line = await home()
    await line.start()
    expect(statSync(join(dirname(line.configFile), 'bongsu.sock')).mode & 0o777).toBe(0o600)
  })
})

describe('bongsu report', () => {
  it('shows what was reported, without letting the words out of their line', async () => {
    const line = await home()
    expect(await line.run('report', 'list')).toEqual({ code: 0, out: '' })
    const report = { id: 1, reporter: '@a:b', room_id: '!r', event_id: '$e', user_id: null, received_ts: 0 }
    expect(reportLine({ ...report, reason: 'two\nlines \u001b[2J \u009b' })).toBe(
      '1970-01-01T00:00:00.000Z  @a:b  !r $e  "two\\nlines \\u001b[2J \ufffd"',
    )
  })
})

describe('bongsu search', () => {
  it('has the index made anew', async () => {
    const line = await home()
    const { code, out } = await line.run('search', 'rebuild')
    expect(code).toBe(0)
    expect(out).toContain('made anew')
  })
})

describe('bongsu config check', () => {
  it('prints all mistakes', async () => {
    const line = await home()
    expect((await line.run('config', 'check')).code).toBe(0)
    appendFileSync(line.configFile, 'lisenters: []\nrooms: { default_version: "99" }\n')
    const { code, out } = await line.run('config', 'check')
    expect(code).toBe(1)
    expect(out).toMatch(
      /2 mistakes:\n {2}line \d+: lisenters is not known; did you mean listeners\?\n {2}line \d+: rooms/,
    )
  })
})

describe('bongsu doctor', () => {
  it('finds a new server well, running or not', async () => {
    const line = await home()
    const before = await line.run('doctor')
    expect(before).toMatchObject({ code: 0, out: expect.stringContaining('not there yet') })
    await line.start()
    const { code, out } = await line.run('doctor')
    expect(code).toBe(0)
    expect(out.split('\n').map((checked) => checked.slice(0, 5))).toEqual(Array(8).fill('ok   '))
    expect(out).toMatch(/search: the index has everything|search: there is no index yet/)
    expect((await line.run('health')).code).toBe(0)
  })

  it('tells how far the search is, and that it is off', async () => {
    const line = await home()
    const { stop } = await line.start()
    await line.run('user', 'create', 'alice')
    await line.run('notice', 'send', 'alice', '점검이 있습니다')
    await stop()
    const { database } = loadConfig(line.configFile)
    if (database.kind === 'sqlite') rmSync(`${database.path}.search`, { force: true })
    expect((await line.run('doctor')).out).toContain('search: there is no index yet')
    appendFileSync(line.configFile, 'search: { messages: false }\n')
    expect((await line.run('doctor')).out).toContain('search: off')
  })

  it('names what is wrong, and what to do', async () => {
    const line = await home()
    writeFileSync(join(dirname(line.configFile), 'signing.key'), 'ed25519 a_1 nonsense\n')
    expect(await line.run('doctor')).toMatchObject({ code: 1, out: expect.stringContaining('WRONG key') })
    expect(await line.run('health')).toEqual({ code: 1, out: 'The server is not running.' })
  })
})

describe('bongsu', () => {
  it('explains itself', async () => {
    const { run } = commandLine()
    expect((await run('--version')).out).toMatch(/^\d+\.\d+\.\d+$/)
    expect((await run('--help')).out).toContain('doctor')
    expect(await run('nonsense')).toMatchObject({ code: 1, out: expect.stringContaining('unknown command') })
  })
})

describe('bongsu notice', () => {
  it('tells one user, or all, and says whom', async () => {
    const line = await home()
    const { stop } = await line.start()
    await line.run('user', 'create', 'alice')
    expect((await line.run('notice', 'send', 'alice', '점검이 있습니다')).out).toBe('@alice:example.org was told.')
    expect((await line.run('notice', 'send-all', '끝났습니다')).out).toBe('1 users were told.')
    expect(await line.run('notice', 'send', 'nobody', 'hello')).toMatchObject({ code: 1 })
    await stop()
  })
})

describe('bongsu media', () => {
  it('puts files in quarantine, deletes them, and says what it did', async () => {
    const { run } = await home()
    const address = 'mxc://other.example/abc'
    const say = async (...args: string[]) => (await run('media', ...args)).out
    expect(await say('quarantine', address)).toBe(`${address} is in quarantine.`)
    expect(await say('quarantine', address)).toBe(`${address} was in quarantine already.`)
    expect(await say('release', address)).toBe(`${address} is out of quarantine.`)
    expect(await run('media', 'delete', address)).toEqual({ code: 1, out: `There is no ${address} here.` })
    expect(await say('purge', '--copies', '--older-than', '90d')).toBe('0 files are deleted (0 MiB).')
    expect(await say('purge', '--older-than', '90d')).toContain('--copies or --uploads')
    expect(await say('quarantine', 'https://other.example/abc')).toContain('mxc://<server>/<id>')
  })
})
