import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { LRUCache } from 'lru-cache'
import type { MediaRequests } from '../../federation/requests/media.ts'
import type { Gate } from '../gate.ts'
import { essenceOf } from './content-type.ts'
import type { MediaName } from './media-file.ts'
import { boundedContent, remoteError, remoteTooLarge } from './remote-content.ts'
import type { RemoteAsking } from './remote-media.ts'
import type { NewFile } from './scan/scan.ts'
import type { ThumbnailWish } from './thumbnail-size.ts'
import type { Thumbnail } from './thumbnails.ts'

interface Deps {
  readonly requests: Pick<MediaRequests, 'thumbnail'>
  /** As `DiskFiles` asks it. */
  readonly check?: ((file: NewFile) => Promise<void>) | undefined
  /** How many are fetched at once. */
  readonly gate: Gate
}

const MAX_BYTES = 2 * 1024 * 1024
const MAX_KEPT_BYTES = 16 * 1024 * 1024
const KEPT_MS = 3_600_000
const TYPES: ReadonlySet<string> = new Set(['image/png', 'image/apng', 'image/jpeg', 'image/gif', 'image/webp'])

/**
 * Thumbnails that other servers make of pictures which are too large to be fetched. Of all others the original is fetched,
 * once for all sizes and for who looks at it whole. They are few, so memory is enough to keep the latest.
 */
export class RemoteThumbnails {
  readonly #deps: Deps
  readonly #kept = new LRUCache<string, Thumbnail>({
    maxSize: MAX_KEPT_BYTES,
    sizeCalculation: ({ content }) => Math.max(1, content.length),
    ttl: KEPT_MS,
  })

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** The caller has made sure that the file may be asked for. Errors: see `RemoteMedia.find`. */
  async of(name: MediaName, wish: ThumbnailWish, { waitMs, signal, who }: RemoteAsking): Promise<Thumbnail> {
    const { serverName, mediaId } = name
    const { width, height, method, animated } = wish
    const key = [serverName, mediaId, width, height, method, animated].join(' ')
    const kept = this.#kept.get(key)
    if (kept) return kept
    const made = await this.#deps.gate.run(() => this.#fetch(name, wish, waitMs, signal), who)
    this.#kept.set(key, made)
    return made
  }

  async #fetch({ serverName, mediaId }: MediaName, wish: ThumbnailWish, waitMs: number, signal: AbortSignal) {
    try {
      const { requests, check } = this.#deps
      const remote = await requests.thumbnail(serverName, mediaId, wish, waitMs, signal)
      const contentType = essenceOf(remote.contentType ?? '')
      const isPicture = TYPES.has(contentType)
      if (!isPicture || (remote.bytes ?? 0) > MAX_BYTES) {
        remote.destroy()
        throw isPicture ? remoteTooLarge() : remoteError(undefined)
      }
      const pieces: Uint8Array[] = []
      for await (const piece of boundedContent(remote, MAX_BYTES)) pieces.push(piece)
      const content = Buffer.concat(pieces)
      await check?.({ bytes: content.length, read: () => Readable.from([content]) })
      return { name: createHash('sha256').update(content).digest('hex'), contentType, content }
    } catch (error) {
      throw remoteError(error)
    }
  }
}
