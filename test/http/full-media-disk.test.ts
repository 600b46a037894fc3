import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import sharp from 'sharp'
import { expect, it } from 'vitest'
import { thumbnail, upload } from '../support/media.ts'
import { startServer } from '../support/server.ts'
import { smallDisk } from '../support/small-disk.ts'

it('on a full disk refuses uploads and says why, still shows pictures small, and leaves no halves', async ({
  skip,
}) => {
  const path = smallDisk(2)
  if (path === undefined) return skip('mounting a small disk needs root on Linux')
  const { client } = await startServer({ config: { media: { path } }, log: pino({ level: 'silent' }) })
  const alice = await client.register('alice')
  const photo = sharp({ create: { width: 800, height: 600, channels: 3, background: '#c0392b' } })
  const picture = await upload(alice, await photo.jpeg().toBuffer(), { type: 'image/jpeg' })
  const send = async (bytes: number) => {
    const answer = await fetch(`${alice.url}/_matrix/media/v3/upload`, {
      method: 'POST',
      headers: { authorization: `Bearer ${alice.accessToken}` },
      body: new Uint8Array(randomBytes(bytes)),
    })
    return { status: answer.status, ...JSON.parse(await answer.text()) }
  }
  const refused = { status: 507, errcode: 'M_RESOURCE_LIMIT_EXCEEDED' }
  expect(await send(3_000_000)).toMatchObject(refused)
  for (const bytes of [200_000, 10_000, 1]) {
    let answer = await send(bytes)
    while (answer.status === 200) answer = await send(bytes)
    expect(answer).toMatchObject(refused)
  }
  expect((await thumbnail(alice, `${picture}?width=320&height=240`)).status).toBe(200)
  expect(readdirSync(join(path, 'incoming'))).toEqual([])
})
