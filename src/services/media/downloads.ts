import { MatrixError } from '../../matrix/errors.ts'
import type { Media } from './media.ts'
import { type MediaFile, type MediaName, unknownMedia } from './media-file.ts'
import type { ArrivingMedia, RemoteMedia } from './remote-media.ts'
import type { RemoteThumbnails } from './remote-thumbnails.ts'
import type { ThumbnailWish } from './thumbnail-size.ts'
import type { Thumbnail } from './thumbnails.ts'

interface Deps {
  readonly serverName: string
  readonly media: Media
  readonly remoteMedia: RemoteMedia
  readonly remoteThumbnails: RemoteThumbnails
  now(): number
  /** Whether files are given to strangers at all. */
  readonly isOpen: boolean
  /** Files that came since then are not (MSC3916's freeze). */
  readonly frozenSince: number | undefined
}

/** How somebody asks. */
export interface Asking {
  /** How long a file that is announced may still take to come. */
  readonly waitMs: number
  readonly signal: AbortSignal
  /** A stranger, on the old paths: gets only what the configuration opens to everybody. */
  readonly isStranger?: boolean
  /** False: only what is here. */
  readonly mayFetch?: boolean
}

/** Files by their names, our own and those of other servers. */
export class Downloads {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** A file, whole or on its way. Errors: see `Media.find` and `RemoteMedia.find`. */
  async find(name: MediaName, asking: Asking): Promise<MediaFile | ArrivingMedia> {
    const { media, remoteMedia } = this.#deps
    const { waitMs, signal } = asking
    const mayFetch = this.#mayFetch(asking)
    const file = this.#isOurs(name)
      ? await media.find(name, waitMs, signal)
      : await remoteMedia.find(name, waitMs, signal, mayFetch)
    return this.#checked(file, asking)
  }

  /** The same, whole. */
  async findWhole(name: MediaName, asking: Asking): Promise<MediaFile> {
    const { media, remoteMedia } = this.#deps
    const { waitMs, signal } = asking
    const mayFetch = this.#mayFetch(asking)
    const file = this.#isOurs(name)
      ? await media.find(name, waitMs, signal)
      : await remoteMedia.findWhole(name, waitMs, signal, mayFetch)
    return this.#checked(file, asking)
  }

  /** The same for a picture that is to be shown small; of one that is too large to be fetched, its server's thumbnail. */
  async findPicture(name: MediaName, wish: ThumbnailWish, asking: Asking): Promise<MediaFile | Thumbnail> {
    try {
      return await this.findWhole(name, asking)
    } catch (error) {
      const isTooLarge = error instanceof MatrixError && error.errcode === 'M_TOO_LARGE'
      if (!isTooLarge || this.#isOurs(name)) throw error
      return this.#deps.remoteThumbnails.of(name, wish, asking.waitMs, asking.signal)
    }
  }

  #isOurs({ serverName }: MediaName): boolean {
    return serverName === this.#deps.serverName
  }

  /** What is fetched for a stranger after the freeze would be new, and not for strangers. */
  #mayFetch({ isStranger, mayFetch = true }: Asking): boolean {
    const { isOpen, frozenSince, now } = this.#deps
    if (!isStranger) return mayFetch
    if (!isOpen) throw unknownMedia()
    return mayFetch && now() < (frozenSince ?? Number.POSITIVE_INFINITY)
  }

  #checked<F extends MediaFile | ArrivingMedia>(file: F, { isStranger }: Asking): F {
    const { frozenSince } = this.#deps
    const isNew = 'createdTs' in file && file.createdTs >= (frozenSince ?? Number.POSITIVE_INFINITY)
    if (isStranger && isNew) throw unknownMedia()
    return file
  }
}
