import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { Client, roomPath, type User } from './support/client.ts'

const MAIN = fileURLToPath(new URL('../demo/main.ts', import.meta.url))
const ACCOUNT = /homeserver (\S+) {3}user (\S+) {3}password (\S+)/

/** What the demo prints until it waits. */
async function printed(demo: ChildProcess): Promise<string[]> {
  const lines: string[] = []
  if (!demo.stdout) throw new Error('There is no output')
  for await (const line of createInterface({ input: demo.stdout })) {
    lines.push(line)
    if (line.startsWith('Ctrl-C')) return lines
  }
  throw new Error(`The demo ended early:\n${lines.join('\n')}`)
}

async function textsOf(user: User): Promise<string[]> {
  const [roomId] = (await user.get('/v3/joined_rooms')).joined_rooms
  const { chunk } = await user.get(`${roomPath(roomId)}/messages?dir=b&limit=100`)
  return chunk.flatMap((event: { content: { body?: string } }) => event.content.body ?? []).reverse()
}

it('npm run demo: two ministries talk, anybody may take part, and nothing is left behind', async () => {
  const demo = spawn(process.execPath, [MAIN], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void demo.kill('SIGKILL'))
  const ended = once(demo, 'exit')
  const lines = await printed(demo)
  const said = lines.flatMap((line) => line.match(/^\S+ \S+: (.+) {2}\(\d+ ms to /)?.[1] ?? [])
  expect(said).toHaveLength(6)
  const accounts = lines.flatMap((line) => {
    const [, url = '', userId = '', password = ''] = line.match(ACCOUNT) ?? []
    return userId === '' ? [] : { url, userId, password }
  })
  expect(accounts.map(({ userId }) => userId)).toEqual([
    '@kim.seoyeon:moef.localhost',
    '@lee.junho:moef.localhost',
    '@park.jiwoo:mois.localhost',
    '@choi.minjun:mois.localhost',
  ])
  for (const { url, userId, password } of accounts) {
    expect(await textsOf(await new Client(url).login(userId, password))).toEqual(said)
  }
  const homes = lines.flatMap((line) => line.match(/ has its server \S+ in (.+)$/)?.[1] ?? [])
  expect(homes.map((home) => existsSync(home))).toEqual([true, true])
  demo.kill('SIGINT')
  demo.kill('SIGINT')
  expect(await ended).toEqual([0, null])
  expect(homes.map((home) => existsSync(home))).toEqual([false, false])
}, 60_000)
