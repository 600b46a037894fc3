import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import type { ConfigInput } from '../../src/config/schema.ts'
import type { User } from '../support/client.ts'
import { startServer } from '../support/server.ts'

type Limits = NonNullable<NonNullable<ConfigInput['media']>['limits']>

const DAY_MS = 86_400_000

async function start(limits: Limits) {
  const path = mkdtempSync(join(tmpdir(), 'bongsu-media-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  const started = await startServer({ config: { media: { path, limits } } })
  const { client } = started
  return { ...started, alice: await client.register('alice'), bob: await client.register('bob') }
}

/** Uploads so many bytes, all different; `200`, or the status and the errcode of the refusal. */
async function upload(user: User, bytes: number, path = '/_matrix/media/v3/upload', method = 'POST') {
  const answer = await fetch(user.url + path, {
    method,
    headers: { authorization: `Bearer ${user.accessToken}` },
    body: new Uint8Array(bytes).map(() => Math.random() * 256),
  })
  const { errcode } = JSON.parse(await answer.text())
  return errcode === undefined ? answer.status : `${answer.status} ${errcode}`
}

const FULL = '403 M_FORBIDDEN'

it('lets each user upload so much a day, and more the next', async () => {
  const { alice, bob, clock } = await start({ user_day: '1KiB' })
  expect(await upload(alice, 600)).toBe(200)
  expect(await upload(alice, 600)).toBe(FULL)
  expect(await upload(alice, 424)).toBe(200)
  expect(await upload(alice, 1)).toBe(FULL)
  expect(await upload(bob, 1024)).toBe(200)
  clock.advance(DAY_MS)
  expect(await upload(alice, 1024)).toBe(200)
})

it('counts files, and gives out no address for one that may not be sent', async () => {
  const { alice } = await start({ user_day_files: 2 })
  const announced = await alice.post('/_matrix/media/v1/create')
  const path = `/_matrix/media/v3/upload/${String(announced.content_uri).replace('mxc://', '')}`
  expect(await upload(alice, 1)).toBe(200)
  expect(await upload(alice, 1)).toBe(200)
  expect(await upload(alice, 1)).toBe(FULL)
  expect(await upload(alice, 1, path, 'PUT')).toBe(FULL)
  const refused = await alice.request('POST', '/_matrix/media/v1/create')
  expect(refused).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } })
})

it('has room for so much in all, which deleting gives back', async () => {
  const { alice, bob, clock, server } = await start({ user_total: '1KiB', all_total: '1500B' })
  const { content_uri } = await alice.post('/_matrix/media/v3/upload', 'x'.repeat(1000))
  clock.advance(DAY_MS)
  expect(await upload(alice, 100)).toBe(FULL)
  expect(await upload(bob, 600)).toBe(FULL)
  expect(await upload(bob, 400)).toBe(200)
  const [serverName = '', mediaId = ''] = String(content_uri).replace('mxc://', '').split('/')
  await server.services.mediaCare.delete({ serverName, mediaId })
  expect(await upload(bob, 600)).toBe(200)
  expect(await upload(alice, 600)).toBe(FULL)
  expect(await upload(alice, 500)).toBe(200)
})

it('holds its limits when many upload at once', async () => {
  const { alice, bob } = await start({ all_day: '1000B' })
  const outcomes = await Promise.all([alice, bob, alice, bob].map((user) => upload(user, 400)))
  expect(outcomes.toSorted()).toEqual([200, 200, FULL, FULL])
})
