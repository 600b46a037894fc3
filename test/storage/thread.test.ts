import { createRequire } from 'node:module'
import { describe, expect, it, vi } from 'vitest'
import { Thread } from '../../src/storage/thread.ts'

const THREAD = new URL('../../src/storage/thread.ts', import.meta.url).href
const SQLITE = createRequire(import.meta.url).resolve('better-sqlite3')
const ROUNDS = 20

/** A thread's file. */
const program = (text: string): URL =>
  new URL(
    `data:text/javascript,${encodeURIComponent(`
      import { workerData } from 'node:worker_threads'
      import { answerQuestions } from ${JSON.stringify(THREAD)}
      ${text}`)}`,
  )

describe('a thread', () => {
  it('answers each question with what comes of it', async () => {
    const thread = new Thread<number>(
      program(`answerQuestions(async (n) => { if (n > 1) throw new Error('too much'); return -n })`),
      { name: 'negation' },
    )
    await expect(Promise.allSettled([thread.ask(1), thread.ask(2), thread.ask(0.5)])).resolves.toMatchObject([
      { value: -1 },
      { reason: { message: expect.stringContaining('The negation failed: Error: too much') } },
      { value: -0.5 },
    ])
    await thread.close()
  })

  it('fails what it has not answered as it is closed, and what it is asked later', async () => {
    const thread = new Thread<string>(program('answerQuestions(() => new Promise(() => {}))'), { name: 'patience' })
    const asked = [thread.ask('once'), thread.ask('again')].map((answer) => expect(answer).rejects.toThrow('has ended'))
    const closing = thread.close()
    await expect(thread.ask('late')).rejects.toThrow('The thread of the patience has ended')
    await Promise.all([...asked, closing, thread.close()])
    await thread.close()
  })

  it('ends before it is ready', async () => {
    const thread = new Thread<string>(program('answerQuestions(() => 1, new Promise(() => {}))'), { name: 'start' })
    const asked = expect(thread.ask('anything')).rejects.toThrow('has ended')
    await thread.close()
    await asked
  })

  it('that cannot start says why, and is closed all the same', async () => {
    const thread = new Thread<string>(program(`throw new Error('no such file')`), { name: 'failure' })
    await expect(thread.ask('once')).rejects.toThrow('no such file')
    const asked = expect(thread.ask('again')).rejects.toThrow('has ended')
    await thread.close()
    await asked
  })

  it('ends after the question that it is at work on, not after all of them', async () => {
    // How many it has begun, and whether it may go on.
    const shared = new Int32Array(new SharedArrayBuffer(8))
    const work = 'answerQuestions(() => { Atomics.add(workerData, 0, 1); Atomics.wait(workerData, 1, 0) })'
    const thread = new Thread<number>(program(work), { name: 'work', workerData: shared })
    const asked = [1, 2, 3].map((n) => expect(thread.ask(n)).rejects.toThrow('has ended'))
    await vi.waitUntil(() => Atomics.load(shared, 0) > 0, { timeout: 15_000 })
    const closing = thread.close()
    await Promise.all(asked)
    Atomics.store(shared, 1, 1)
    Atomics.notify(shared, 1)
    await closing
    expect(Atomics.load(shared, 0)).toBe(1)
  })

  it('that loads a native module can be closed meanwhile', async () => {
    const file = program(`
      import { createRequire } from 'node:module'
      const Database = createRequire(${JSON.stringify(THREAD)})(${JSON.stringify(SQLITE)})
      Atomics.store(workerData, 0, 1)
      Atomics.notify(workerData, 0)
      const database = new Database(':memory:') // loads it
      answerQuestions(() => 1)`)
    for (let round = 0; round < ROUNDS; round++) {
      const shared = new Int32Array(new SharedArrayBuffer(8))
      const thread = new Thread<string>(file, { name: 'load', workerData: shared })
      const asked = expect(thread.ask('anything')).rejects.toThrow('has ended')
      expect(Atomics.wait(shared, 0, 0, 15_000)).not.toBe('timed-out')
      Atomics.wait(shared, 1, 0, round / 10) // a little later in each round
      await thread.close()
      await asked
    }
  })
})
