import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'

const SETUP = fileURLToPath(new URL('../scripts/setup.mjs', import.meta.url))

/** Stands in for npm: begins, waits until the test lets it go on, and leaves behind what `npm ci` does. */
const NPM = `
import { appendFileSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
appendFileSync('installs', process.argv[2] + '\\n')
connect('gate').resume().on('end', () => {
  mkdirSync('node_modules/.bin', { recursive: true })
  writeFileSync('node_modules/.bin/node', '')
  copyFileSync('package-lock.json', 'node_modules/.package-lock.json')
})`

/** A checkout in which nothing is installed yet. */
async function makeCheckout() {
  const root = await mkdtemp(join(tmpdir(), 'bongsu-setup-'))
  onTestFinished(() => rm(root, { recursive: true }))
  await mkdir(join(root, 'scripts'))
  await copyFile(SETUP, join(root, 'scripts', 'setup.mjs'))
  await writeFile(join(root, 'npm.mjs'), NPM)
  await writeFile(join(root, 'package-lock.json'), '{"packages":{"":{},"node_modules/a":{"version":"1.0.0"}}}')
  const gate = createServer().listen(join(root, 'gate'))
  await once(gate, 'listening')
  const begun: Socket[] = []
  gate.on('connection', (socket) => begun.push(socket))
  onTestFinished(() => {
    for (const socket of begun) socket.destroy()
    gate.close()
  })
  return {
    begins: () => once(gate, 'connection'),
    letGoOn: () => {
      for (const socket of begun) socket.end()
    },
    installs: async () => (await readFile(join(root, 'installs'), 'utf8')).trim().split('\n'),
    setUp: () => {
      const options = { cwd: root, env: { ...process.env, npm_execpath: join(root, 'npm.mjs') } }
      const child = spawn(process.execPath, ['scripts/setup.mjs'], { ...options, stdio: ['ignore', 'ignore', 'pipe'] })
      onTestFinished(() => void child.kill('SIGKILL'))
      return { child, ended: once(child, 'exit') }
    },
  }
}

/** The first line that a set-up prints. */
async function says({ stderr }: ChildProcess): Promise<string> {
  if (!stderr) throw new Error('There is no output')
  for await (const line of createInterface({ input: stderr })) return line
  throw new Error('It ended without a word')
}

it('a second set-up of a checkout waits for the first, and finds nothing left to do', async () => {
  const checkout = await makeCheckout()
  const begins = checkout.begins()
  const first = checkout.setUp()
  await begins
  const second = checkout.setUp()
  expect(await says(second.child)).toBe('Waiting for another set-up of this checkout ...')
  checkout.letGoOn()
  expect(await first.ended).toEqual([0, null])
  expect(await second.ended).toEqual([0, null])
  expect(await checkout.installs()).toEqual(['ci'])
})

it('a set-up that was killed lets the next one do it', async () => {
  const checkout = await makeCheckout()
  const begins = checkout.begins()
  const first = checkout.setUp()
  await begins
  const second = checkout.setUp()
  await says(second.child)
  const beginsAnew = checkout.begins()
  first.child.kill('SIGKILL')
  await beginsAnew
  checkout.letGoOn()
  expect(await second.ended).toEqual([0, null])
  expect(await checkout.installs()).toEqual(['ci', 'ci'])
})
