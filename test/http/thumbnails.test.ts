import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import type { User } from '../support/client.ts'
import { startServer } from '../support/server.ts'

async function start(options?: Parameters<typeof startServer>[0]) {
  const server = await startServer(options)
  return { ...server, alice: await server.client.register('alice') }
}

/** Uploads a file and returns how it is named in paths. */
async function upload(user: User, content: Buffer | string, type: string): Promise<string> {
  const answer = await fetch(`${user.url}/_matrix/media/v3/upload`, {
    method: 'POST',
    headers: { authorization: `Bearer ${user.accessToken}`, 'content-type': type },
    body: new Uint8Array(Buffer.from(content)),
  })
  return JSON.parse(await answer.text()).content_uri.replace('mxc://', '')
}

const thumbnail = (user: User, path: string, query: string) =>
  fetch(`${user.url}/_matrix/client/v1/media/thumbnail/${path}?${query}`, {
    headers: { authorization: `Bearer ${user.accessToken}` },
  })

/** Size and form of a thumbnail. */
async function look(user: User, path: string, query: string) {
  const answer = await thumbnail(user, path, query)
  expect(answer.status).toBe(200)
  const { format, width, height, pages = 1, exif } = await sharp(Buffer.from(await answer.arrayBuffer())).metadata()
  const type = answer.headers.get('content-type')
  return { format, type, size: `${width}x${height}`, pages, hasExif: exif !== undefined }
}

/** A picture of one colour. */
const picture = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: '#c0392b' } })

/** A square one of two colours, one after the other. */
async function moving(side: number): Promise<Buffer> {
  const frame = (background: string) => sharp({ create: { width: side, height: side, channels: 3, background } })
  const frames = await Promise.all(['#c0392b', '#2980b9'].map((colour) => frame(colour).png().toBuffer()))
  return sharp(frames, { join: { animated: true } })
    .gif()
    .toBuffer()
}

describe('a thumbnail', () => {
  it('fits into the size, or fills it', async () => {
    const { alice } = await start()
    const path = await upload(alice, await picture(1600, 900).png().toBuffer(), 'image/png')
    expect(await look(alice, path, 'width=320&height=240&method=scale')).toMatchObject({
      size: '320x180',
      format: 'png',
    })
    expect(await look(alice, path, 'width=300&height=200')).toMatchObject({ size: '320x180' })
    expect(await look(alice, path, 'width=32&height=32&method=crop')).toMatchObject({ size: '32x32' })
    expect(await look(alice, path, 'width=160&height=90&method=crop')).toMatchObject({ size: '256x144' })
  })

  it('is never larger than the picture: the picture itself is served then', async () => {
    const { alice } = await start()
    const path = await upload(alice, await picture(60, 20).png().toBuffer(), 'image/png')
    expect(await look(alice, path, 'width=96&height=96')).toMatchObject({ size: '60x20' })
    expect(await look(alice, path, 'width=5000&height=5000')).toMatchObject({ size: '60x20' })
    expect(await look(alice, path, 'width=32&height=32&method=crop')).toMatchObject({ size: '20x20' })
  })

  it('stands upright and says nothing about where it was taken', async () => {
    const { alice } = await start()
    const photo = await picture(400, 200)
      .jpeg()
      .withExif({ IFD0: { Copyright: 'somebody' } })
      .withMetadata({ orientation: 6 })
      .toBuffer()
    const path = await upload(alice, photo, 'image/jpeg')
    const seen = await look(alice, path, 'width=96&height=96')
    expect(seen).toEqual({ format: 'jpeg', type: 'image/jpeg', size: '48x96', pages: 1, hasExif: false })
  })

  it('moves only for those who ask for it', async () => {
    const { alice } = await start()
    const path = await upload(alice, await moving(300), 'image/gif')
    expect(await look(alice, path, 'width=96&height=96')).toMatchObject({ format: 'png', pages: 1 })
    const seen = await look(alice, path, 'width=96&height=96&animated=true')
    expect(seen).toMatchObject({ format: 'webp', type: 'image/webp', pages: 2 })
  })

  it('of a small picture moves only for those, too', async () => {
    const { alice } = await start()
    const path = await upload(alice, await moving(40), 'image/gif')
    for (const query of [
      'width=96&height=96',
      'width=96&height=96&method=crop',
      'width=5000&height=5000&animated=false',
    ])
      expect(await look(alice, path, query)).toMatchObject({ size: '40x40', type: 'image/png', pages: 1 })
    expect(await look(alice, path, 'width=96&height=96&animated=true')).toMatchObject({ type: 'image/gif', pages: 2 })
  })

  it('is of a type that thumbnails have', async () => {
    const { alice } = await start()
    const path = await upload(alice, await picture(40, 40).avif().toBuffer(), 'image/avif')
    expect(await look(alice, path, 'width=96&height=96')).toMatchObject({ size: '40x40', type: 'image/webp' })
  })

  it('is made once, however many ask at the same time', async () => {
    const { alice, directory } = await start()
    const path = await upload(alice, await picture(800, 600).png().toBuffer(), 'image/png')
    const seen = await Promise.all(Array.from({ length: 8 }, () => look(alice, path, 'width=32&height=32&method=crop')))
    expect(new Set(seen.map(({ size }) => size))).toEqual(new Set(['32x32']))
    const kept = readdirSync(join(directory, 'media/derived'), { recursive: true, withFileTypes: true })
    expect(kept.filter((file) => file.isFile()).map(({ name }) => name)).toEqual(['32x32-crop'])
  })

  it('is refused for what is no picture, whatever it calls itself', async () => {
    const { alice } = await start()
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="500" height="500"><rect width="9" height="9"/></svg>'
    for (const content of [svg, 'no picture', '%PDF-1.4', '']) {
      const path = await upload(alice, content, 'image/png')
      for (const query of ['width=32&height=32', 'width=5000&height=5000'])
        expect((await thumbnail(alice, path, query)).status).toBe(400)
    }
  })

  it('of a file that the disk has lost is a failure of the server, and not of the picture', async () => {
    const { alice, directory } = await start({ log: pino({ level: 'silent' }) })
    const path = await upload(alice, await picture(800, 600).png().toBuffer(), 'image/png')
    rmSync(join(directory, 'media/files'), { recursive: true })
    expect((await thumbnail(alice, path, 'width=32&height=32')).status).toBe(500)
  })

  it('is refused for a bomb: few bytes, too many pixels', async () => {
    const { alice } = await start()
    const bomb = await picture(8100, 8000).png({ compressionLevel: 9 }).toBuffer()
    const answer = await thumbnail(alice, await upload(alice, bomb, 'image/png'), 'width=32&height=32')
    expect(answer.status).toBe(413)
    // Of these each pixel takes more memory than of others: fewer are too many.
    const avif = await picture(4700, 4700).avif({ effort: 0 }).toBuffer()
    const deep = await picture(6600, 6600).toColourspace('rgb16').png({ progressive: true }).toBuffer()
    for (const content of [avif, deep]) {
      const path = await upload(alice, content, 'image/png')
      expect((await thumbnail(alice, path, 'width=32&height=32')).status).toBe(413)
    }
  })

  it('needs a size that makes sense, and a file', async () => {
    const { alice } = await start()
    const path = await upload(alice, 'x', 'image/png')
    for (const query of [
      '',
      'width=0&height=32',
      'width=-1&height=32',
      'width=32&height=x',
      'width=1&height=1&method=x',
    ]) {
      expect((await thumbnail(alice, path, query)).status).toBe(400)
    }
    expect((await thumbnail(alice, 'example.org/unknown', 'width=32&height=32')).status).toBe(404)
  })
})
