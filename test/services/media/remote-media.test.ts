import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import type { RemoteFile } from '../../../src/federation/requests/media.ts'
import type { MediaFiles, StoredFile } from '../../../src/services/media/files.ts'
import { RemoteMedia } from '../../../src/services/media/remote-media.ts'
import { accessOf, type Queries, setAccess } from '../../../src/storage/access.ts'
import { FakeClock } from '../../support/clock.ts'
import { openHooked } from '../../support/hooked-database.ts'

it('fetches no file again whose fetch ends while somebody looks whether it is here', async () => {
  const db = await openHooked({})
  const access = accessOf(db)
  let hold: Promise<void> | undefined
  /** What was read, when the test lets go of it. */
  const rows: Queries['rows'] = async (sql, params) => {
    const found = await access.queries.rows(sql, params)
    const held = hold
    hold = undefined
    await held
    return found
  }
  setAccess(db, { ...access, queries: { ...access.queries, rows } })
  const arriving = Promise.withResolvers<StoredFile>()
  let fetched = 0
  const remote = { contentType: 'image/png', disposition: undefined, bytes: 4, maxBytes: 100 } as RemoteFile
  const media = new RemoteMedia({
    db,
    clock: new FakeClock(),
    files: { receive: () => ({ stored: arriving.promise }) } as unknown as MediaFiles,
    requests: {
      download: async () => {
        fetched++
        return remote
      },
    },
    mayFederate: () => true,
    maxBytes: 1000,
    mayStream: false,
    onRefused: async () => {},
    onStored: () => {},
  })
  const name = { serverName: 'peer.test', mediaId: 'file' }
  const asking = { waitMs: 1000, signal: new AbortController().signal, who: 'somebody', mayFetch: true }
  const first = media.findWhole(name, asking)
  while (fetched === 0) await new Promise(setImmediate)
  const looked = Promise.withResolvers<void>()
  hold = looked.promise
  const second = media.findWhole(name, asking)
  while (hold !== undefined) await new Promise(setImmediate)
  arriving.resolve({ hash: createHash('sha256').update('file').digest('hex'), bytes: 4 })
  const file = await first
  looked.resolve()
  expect(await second).toEqual(file)
  expect(fetched).toBe(1)
})
