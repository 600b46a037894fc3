import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { commandLine } from '../support/command.ts'

async function home() {
  const line = commandLine()
  await line.run('init', '--server-name', 'example.org')
  appendFileSync(line.configFile, '\nlisteners: [{ port: 0, serves: [client, health] }]\nlogging: { level: silent }\n')
  return { ...line, file: (name: string) => join(dirname(line.configFile), name) }
}

it('rotates the key, and keeps the one before as old', async () => {
  const { run, file } = await home()
  const first = (await run('key', 'show')).out
  expect((await run('key', 'rotate')).code).toBe(0)
  const second = (await run('key', 'show')).out
  expect(second).not.toBe(first)
  await run('key', 'rotate')
  const old = readFileSync(file('signing.key.old'), 'utf8').trim().split('\n')
  expect(old.map((line) => line.replace(/ \d+$/, ''))).toEqual([first, second].map((text) => text.replace(':', ' ')))
  expect(existsSync(file('signing.key.new'))).toBe(false)
})

it('does not rotate the key of a running server', async () => {
  const line = await home()
  const before = readFileSync(line.file('signing.key'), 'utf8')
  const { stop } = await line.start()
  const { code, out } = await line.run('key', 'rotate')
  expect([code, out]).toEqual([1, expect.stringContaining('stop it')])
  expect(readFileSync(line.file('signing.key'), 'utf8')).toBe(before)
  await stop()
})

it('signs a list of servers and checks it', async () => {
  const { run, file } = await home()
  const key = 'Noi6WqcDj0QmPxCNQqgezwTlBKrfqehY1u2FyWP9uYw'
  writeFileSync(file('servers.txt'), `# partners\nmoef.example ${key}\n*.mois.example\n`)
  const signing = ['federation', 'list', 'sign', file('servers.txt'), '--key', file('list.key')]
  const signed = await run(...signing, '--out', file('list.json'))
  const publicKey = /signed_list.key: (\S+)$/.exec(signed.out)?.[1] ?? ''
  const good = await run('federation', 'list', 'verify', file('list.json'), '--key', publicKey)
  expect(good).toEqual({
    code: 0,
    out: expect.stringContaining(`moef.example ${key}\n*.mois.example\nThe list is good: 2`),
  })
  expect((await run('federation', 'list', 'verify', file('list.json'), '--key', key)).out).toContain('not signed')
  writeFileSync(file('list.json'), readFileSync(file('list.json'), 'utf8').replace('moef', 'evil'))
  expect((await run('federation', 'list', 'verify', file('list.json'), '--key', publicKey)).code).toBe(1)
})

it('refuses to sign what is no list', async () => {
  const { run, file } = await home()
  writeFileSync(file('servers.txt'), 'good.example\nnot a server at all\n')
  const { code, out } = await run('federation', 'list', 'sign', file('servers.txt'), '--key', file('list.key'))
  expect([code, out]).toEqual([1, expect.stringContaining('Line 2')])
})

it('says what waits for other servers', async () => {
  const { run } = await home()
  expect((await run('federation', 'status')).out).toContain('Nothing was ever sent')
})
