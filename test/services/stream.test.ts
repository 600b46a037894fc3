import { expect, it } from 'vitest'
import { Stream } from '../../src/services/stream.ts'
import { currentPosition } from '../../src/storage/counter.ts'
import { withDatabases } from '../support/databases.ts'

withDatabases('the stream', (open) => {
  it('announces writes in the order of their positions, and those that fail not at all', async () => {
    const db = await open()
    const stream = new Stream(db, 0)
    const announced: number[] = []
    const writes = Array.from({ length: 40 }, (_, i) =>
      stream.write(async (_tx, take) => {
        const { pos } = await take(1 + (i % 3))
        if (i % 5 === 4) throw new Error('changed my mind')
        const announce = () => {
          announced.push(pos)
          // Whoever is woken may look up to here.
          expect(stream.current).toBe(pos + (i % 3))
        }
        return { value: pos, announce }
      }),
    )
    const results = await Promise.allSettled(writes)
    const taken = results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []))
    expect(taken).toHaveLength(32)
    expect(announced).toEqual([...taken].sort((a, b) => a - b))
    expect(stream.current).toBe(await currentPosition(db))
  })

  it('resolves a write only once it is announced', async () => {
    const stream = new Stream(await open(), 0)
    let isAnnounced = false
    await stream.write(async (_tx, take) => {
      await take(1)
      return {
        value: undefined,
        announce: () => {
          isAnnounced = true
        },
      }
    })
    expect(isAnnounced).toBe(true)
  })

  it('goes on when an announcement throws, and tells whom it was made to tell', async () => {
    const failures: unknown[] = []
    const stream = new Stream(await open(), 0, (error) => failures.push(error))
    const write = (announce: () => void) => stream.write(async (_tx, take) => ({ value: await take(1), announce }))
    const mistake = new Error('a mistake')
    await write(() => {
      throw mistake
    })
    const { pos } = await write(() => {})
    expect(failures).toEqual([mistake])
    expect(stream.current).toBe(pos)
  })
})
