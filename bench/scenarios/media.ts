import { randomBytes } from 'node:crypto'
import sharp from 'sharp'
import { onSite } from '../federation/site.ts'
import { loopDelay, loopText } from '../load/event-loop.ts'
import { fetchFile, uploadFile } from '../load/files.ts'
import { latencies, median, ms, percentile } from '../load/statistics.ts'
import { timed } from '../load/timed.ts'
import type { Figure, Scenario } from '../scenario.ts'

const MIB = 1024 * 1024
/** Nearly as large as the default configuration allows. */
const FILE_BYTES = 96 * MIB
/** What a server may need more while files pass through it, whatever their size: pieces that are not collected yet. */
const BAR_GROWTH_MIB = 128
const BAR_THUMBNAIL_MS = 150
const BAR_BESIDE_MS = 20
const SAMPLE_MS = 20
const SIZE = 'width=800&height=600&method=scale'

/** A large file sent and fetched, again and again: how fast, and how much memory it takes. */
export const downloads: Scenario = {
  name: 'files',
  async run(world) {
    const [user] = await world.users(1)
    if (!user) throw new Error('No user')
    const content = randomBytes(FILE_BYTES)
    const [up, down]: [number[], number[]] = [[], []]
    const growth = await growthOf(world.memoryMiB, async () => {
      const end = performance.now() + world.seconds * 1000
      do {
        content.writeUInt32LE(up.length) // another file, or it would be kept once
        const path = await timed(up, () => uploadFile(user, content))
        await timed(down, () => fetchFile(user, `download/${path}`))
      } while (performance.now() < end)
    })
    return [
      { what: `a file of ${FILE_BYTES / MIB} MiB uploaded, on disk`, figure: rateOf(up) },
      { what: 'the same downloaded', figure: rateOf(down) },
      growthFigure('memory that it takes', growth),
    ]
  },
}

/** The same through a second server, which fetches the file and keeps it. */
export const remoteFiles: Scenario = {
  name: 'files-federation',
  run: ({ seconds }) =>
    onSite(async (site) => {
      const [near, far] = [await site.start(), await site.start()]
      const [reader, sender] = [await near.register(), await far.register()]
      const content = randomBytes(FILE_BYTES)
      const [first, again]: [number[], number[]] = [[], []]
      const work = async () => {
        const end = performance.now() + seconds * 1000
        do {
          content.writeUInt32LE(first.length)
          const path = await uploadFile(sender, content)
          await timed(first, () => fetchFile(reader, `download/${path}`))
          await timed(again, () => fetchFile(reader, `download/${path}`))
        } while (performance.now() < end)
      }
      const growth = await growthOf(() => near.memoryMiB(), work)
      return [
        { what: `another server's file of ${FILE_BYTES / MIB} MiB downloaded over TLS`, figure: rateOf(first) },
        { what: 'the same once more', figure: rateOf(again) },
        growthFigure('memory that it takes', growth),
      ]
    }),
}

/** Thumbnails of photos as phones take them, and what others feel meanwhile. */
export const thumbnails: Scenario = {
  name: 'thumbnails',
  async run(world) {
    const [user, other] = await world.users(2)
    if (!user || !other) throw new Error('No users')
    const one = await photo()
    const paths: string[] = []
    const rounds = Math.max(10, world.seconds * 3)
    // Each is another file: a thumbnail is made once.
    while (paths.length < rounds) {
      paths.push(await uploadFile(user, Buffer.concat([one, Buffer.from(String(paths.length))]), 'image/jpeg'))
    }
    await fetchFile(user, `thumbnail/${paths.pop()}?${SIZE}`) // the library comes with the first picture
    const [made, beside]: [number[], number[]] = [[], []]
    let isOver = false
    const others = async () => {
      while (!isOver) {
        await timed(beside, () => world.http.json('GET', '/_matrix/client/v3/account/whoami', other.token))
        await pause()
      }
    }
    await loopDelay(world.http)
    const asking = others()
    for (const path of paths) await timed(made, () => fetchFile(user, `thumbnail/${path}?${SIZE}`))
    isOver = true
    await asking
    const loop = await loopDelay(world.http)
    return [
      {
        what: 'thumbnail of a photo of 12 megapixels',
        figure: latencies(made),
        bar: ms(BAR_THUMBNAIL_MS),
        holds: median(made) <= BAR_THUMBNAIL_MS,
      },
      {
        what: 'other requests meanwhile',
        figure: `${latencies(beside)}; ${loopText(loop)}`,
        bar: `p99 ${ms(BAR_BESIDE_MS)}`,
        holds: percentile(beside, 0.99) <= BAR_BESIDE_MS,
      },
    ]
  },
}

/** Shades with grain, which is about what a camera makes of a landscape. */
function photo(): Promise<Buffer> {
  const [width, height] = [4000, 3000]
  const noise = { type: 'gaussian' as const, mean: 110, sigma: 12 }
  return sharp({ create: { width, height, channels: 3, background: '#336699', noise } })
    .jpeg({ quality: 90 })
    .toBuffer()
}

/** How many MiB more than before the work the server held at its most. */
async function growthOf(memoryMiB: () => number | undefined, work: () => Promise<void>): Promise<number | undefined> {
  const before = memoryMiB()
  let most = before ?? 0
  const timer = setInterval(() => {
    most = Math.max(most, memoryMiB() ?? 0)
  }, SAMPLE_MS)
  try {
    await work()
  } finally {
    clearInterval(timer)
  }
  return before === undefined ? undefined : most - before
}

const growthFigure = (what: string, growth: number | undefined): Figure => ({
  what,
  figure: growth === undefined ? 'not known' : `${growth.toFixed(0)} MiB`,
  bar: `${BAR_GROWTH_MIB} MiB`,
  ...(growth !== undefined && { holds: growth <= BAR_GROWTH_MIB }),
})

const rateOf = (samples: readonly number[]): string =>
  `${(FILE_BYTES / MIB / (median(samples) / 1000)).toFixed(0)} MiB/s (n = ${samples.length})`

const pause = () => new Promise((resolve) => setTimeout(resolve, 5))
