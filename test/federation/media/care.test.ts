import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import type { ConfigInput } from '../../../src/config/schema.ts'
import type { MediaName } from '../../../src/services/media/media-file.ts'
import { FakeClock } from '../../support/clock.ts'
import { until } from '../../support/federated.ts'
import { bytesOf, download, refusal, thumbnail, upload } from '../../support/media.ts'
import { type Federated, World } from '../../support/servers.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const NOT_FOUND = [404, 'M_NOT_FOUND']

/** Two servers an hour ahead of the disk's clock, so that what was just stored counts as settled. */
async function two(remote?: NonNullable<ConfigInput['media']>['remote']) {
  const clock = new FakeClock(Date.now() + HOUR_MS)
  const world = await World.create({ clock })
  const one = await world.start('one.test', { media: { path: join(world.directory, 'media'), remote } })
  const other = await world.start('two.test')
  const mediaDirectory = join(world.directory, 'media', 'files')
  const care = one.server.services.mediaCare
  const alice = await one.client.register('alice')
  const bob = await other.client.register('bob')
  return { world, clock, one, other, care, alice, bob, mediaDirectory }
}

const nameOf = (path: string): MediaName => {
  const [serverName = '', mediaId = ''] = path.split('/')
  return { serverName, mediaId }
}

const countFiles = (directory: string): number =>
  readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length

const careOf = (server: Federated) => server.server.services.mediaCare

it('gives a file in quarantine to nobody, here and elsewhere, under any address', async () => {
  const { one, other, care, alice, bob } = await two()
  const path = await upload(alice, 'forbidden', { type: 'image/png' })
  const twin = await upload(bob, 'forbidden')
  const innocent = await upload(alice, 'innocent')
  expect(await (await download(alice, twin)).text()).toBe('forbidden')
  expect(await care.quarantine(nameOf(path))).toBe(true)
  expect(await care.quarantine(nameOf(path))).toBe(false)
  for (const address of [path, twin, await upload(alice, 'forbidden')]) {
    expect(await refusal(await download(alice, address))).toEqual(NOT_FOUND)
    expect(await refusal(await thumbnail(alice, `${address}?width=32&height=32`))).toEqual(NOT_FOUND)
  }
  expect(await refusal(await download(bob, path))).toEqual(NOT_FOUND)
  expect(await (await download(bob, innocent)).text()).toBe('innocent')

  // What is not here yet is not even fetched.
  expect(await careOf(other).quarantine(nameOf(`${one.name}/later`))).toBe(true)
  expect(await refusal(await download(bob, `${one.name}/later`))).toEqual(NOT_FOUND)

  expect(await care.release(nameOf(path))).toBe(true)
  expect(await (await download(alice, path)).text()).toBe('forbidden')
  expect(await (await download(bob, path)).text()).toBe('forbidden')
})

it('does not hand on what is in quarantine while it comes from elsewhere, under an address that nobody knew', async () => {
  const { care, alice, bob } = await two()
  const content = Buffer.alloc(200_000, 'forbidden') // large enough to be handed on before all of it is here
  const path = await upload(alice, content)
  await care.quarantine(nameOf(path))
  const ask = async () => refusal(await download(alice, await upload(bob, content)))
  expect(await ask()).toEqual(NOT_FOUND)
  expect((await bytesOf(await download(alice, await upload(bob, Buffer.alloc(200_001))))).length).toBe(200_001)
  await care.delete(nameOf(path))
  await care.purgeCopies(-1)
  expect(await ask()).toEqual(NOT_FOUND)
})

it('deletes the bytes of a file with its last address', async () => {
  const { care, alice, mediaDirectory } = await two()
  const [first, second] = [await upload(alice, 'same'), await upload(alice, 'same')]
  expect(await care.delete(nameOf(first))).toEqual({ files: 1, bytes: 4 })
  expect(await refusal(await download(alice, first))).toEqual(NOT_FOUND)
  expect(await (await download(alice, second)).text()).toBe('same')
  expect(countFiles(mediaDirectory)).toBe(1)
  await care.delete(nameOf(second))
  expect(countFiles(mediaDirectory)).toBe(0)
  expect(await (await download(alice, await upload(alice, 'same'))).text()).toBe('same')
  expect(await care.delete(nameOf(first))).toEqual({ files: 0, bytes: 0 })
})

it('does not take the bytes from somebody who is sending them again', async () => {
  const { clock, one } = await two()
  const files = one.server.services.mediaFiles
  const source = async function* () {
    yield Buffer.from('again')
  }
  const { hash } = await files.put(source()) // as an upload does before it has its address
  expect(await files.remove(hash, Date.now() - HOUR_MS)).toBe(false)
  expect(await text(files.read(hash))).toBe('again')
  expect(await files.remove(hash, clock.now())).toBe(true)
  expect(await files.remove(hash, clock.now())).toBe(true)
})

it('deletes copies that nobody asked for, keeps those that somebody did, and fetches again', async () => {
  const { clock, care, alice, bob, mediaDirectory } = await two({ keep: '30d' })
  const [used, unused] = [await upload(bob, 'used'), await upload(bob, 'unused')]
  for (const path of [used, unused]) await (await download(alice, path)).text()
  for (let days = 0; days < 29; days += 10) {
    clock.advance(10 * DAY_MS)
    await (await download(alice, used)).text()
  }
  clock.advance(DAY_MS)
  await care.sweepCopies()
  expect(countFiles(mediaDirectory)).toBe(1)
  expect(await (await download(alice, unused)).text()).toBe('unused')
})

it('goes on with that after a restart, by itself', async () => {
  const { clock, one, alice, bob, mediaDirectory } = await two({ keep: '30d' })
  await (await download(alice, await upload(bob, 'copied'))).text()
  expect(countFiles(mediaDirectory)).toBe(1)
  await one.restart()
  clock.advance(31 * DAY_MS)
  await until(
    async () => countFiles(mediaDirectory),
    (count) => count === 0,
  )
})

it('makes room for new copies by deleting those that nobody asked for the longest', async () => {
  const { clock, care, alice, bob, mediaDirectory } = await two({ max_total: '250KiB' })
  await care.sweepCopies()
  const paths: string[] = []
  for (let i = 0; i < 23; i++) {
    paths.push(await upload(bob, Buffer.alloc(12 * 1024, i)))
    await bytesOf(await download(alice, paths[i] ?? ''))
    clock.advance(DAY_MS)
  }
  await until(
    async () => countFiles(mediaDirectory),
    (count) => count <= 21,
  )
  expect(countFiles(mediaDirectory)).toBeGreaterThan(0)
})

it('deletes old uploads, but not the pictures that users show of themselves', async () => {
  const { clock, care, alice } = await two()
  const [old, avatar] = [await upload(alice, 'old'), await upload(alice, 'avatar')]
  await alice.put(`/v3/profile/${alice.userId}/avatar_url`, { avatar_url: `mxc://${avatar}` })
  clock.advance(100 * DAY_MS)
  const fresh = await upload(alice, 'fresh')
  expect(await care.purgeUploads(90 * DAY_MS)).toEqual({ files: 1, bytes: 3 })
  expect(await refusal(await download(alice, old))).toEqual(NOT_FOUND)
  expect(await (await download(alice, avatar)).text()).toBe('avatar')
  expect(await (await download(alice, fresh)).text()).toBe('fresh')
})
