import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { freshSqlite } from '../support/fresh-database.ts'
import { readLedger } from './ledger.ts'
import { rounds, timeoutMs } from './length.ts'

const WRITER = fileURLToPath(new URL('writer-process.ts', import.meta.url))
const MAX_LIFE_MS = 400

/** Runs a writing process on the database and kills it in the middle; returns what it had acknowledged. */
async function liveAndDie(path: string, life: number): Promise<string[]> {
  const child = spawn(process.execPath, [WRITER, path, String(life)], { stdio: ['ignore', 'pipe', 'pipe'] })
  let printed = ''
  let complaints = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text
  })
  const closed = once(child, 'close')
  await Promise.race([once(child.stdout, 'data'), closed])
  // At any moment: this is what the test is about.
  await sleep(Math.random() * MAX_LIFE_MS)
  child.kill('SIGKILL')
  await closed
  expect(complaints).toBe('')
  // The last line may be torn.
  return printed.split('\n').slice(0, -1)
}

describe('kill -9', () => {
  it(
    'loses nothing that was acknowledged, and damages nothing, at any moment',
    async () => {
      const { config, remove } = await freshSqlite()
      onTestFinished(remove)
      const acknowledged = new Set<string>()
      for (const life of rounds(6)) {
        for (const entry of await liveAndDie(config.path, life)) acknowledged.add(entry)
        const { entries, damage } = readLedger(config.path)
        expect(damage).toEqual([])
        expect([...acknowledged].filter((entry) => !entries.has(entry))).toEqual([])
        expect(acknowledged.size).toBeGreaterThan(0)
      }
    },
    timeoutMs,
  )
})
