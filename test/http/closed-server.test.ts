import { expect, it } from 'vitest'
import { openServer } from '../support/server.ts'

/** A server that was used and closed. */
async function closed(): Promise<WeakRef<object>> {
  const { client, server, close } = await openServer()
  const alice = await client.register('alice')
  await alice.send(await alice.createRoom(), 'hello')
  await alice.sync()
  await close()
  return new WeakRef(server.services)
}

it('A closed server leaves nothing of itself in memory', async () => {
  const services = await closed()
  await expect
    .poll(
      () => {
        globalThis.gc?.()
        return services.deref() === undefined
      },
      { timeout: 10_000 },
    )
    .toBe(true)
})
