import { MatrixError } from '../../matrix/errors.ts'
import type { Media } from './media.ts'
import { type MediaFile, type MediaName, unknownMedia } from './media-file.ts'
import { remoteTooLarge } from './remote-content.ts'
import type { ArrivingMedia, RemoteMedia } from './remote-media.ts'
import type { RemoteThumbnails } from './remote-thumbnails.ts'
import type { ThumbnailWish } from './thumbnail-size.ts'
import type { Thumbnail, Thumbnails } from './thumbnails.ts'

interface Deps {
  readonly serverName: string
  readonly media: Media
  readonly remoteMedia: RemoteMedia
  readonly thumbnails: Thumbnails
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
  /** For whom: each gets a part of what can be fetched and made at once. */
  readonly who: string
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
    const mayFetch = this.#mayFetch(asking)
    const file = this.#isOurs(name)
      ? await media.find(name, asking.waitMs, asking.signal)
      : await remoteMedia.find(name, { ...asking, mayFetch })
    return this.#checked(file, asking)
  }

  /** The same, whole. */
  async findWhole(name: MediaName, asking: Asking): Promise<MediaFile> {
    const { media, remoteMedia } = this.#deps
    const mayFetch = this.#mayFetch(asking)
    const file = this.#isOurs(name)
      ? await media.find(name, asking.waitMs, asking.signal)
      : await remoteMedia.findWhole(name, { ...asking, mayFetch })
    return this.#checked(file, asking)
  }

  /**
   * A picture that is to be shown small: its thumbnail, or itself where that will do; of another server's that is too large
   * for us, the thumbnail which that server makes. Errors: see `Thumbnails.of`, too.
   */
  async findPicture(name: MediaName, wish: ThumbnailWish, asking: Asking): Promise<MediaFile | Thumbnail> {
    const { thumbnails, remoteThumbnails } = this.#deps
    try {
      const file = await this.findWhole(name, asking)
      return (await thumbnails.of(file, wish, asking.who)) ?? file
    } catch (error) {
      const isTooLarge = error instanceof MatrixError && error.errcode === 'M_TOO_LARGE'
      if (!isTooLarge || this.#isOurs(name)) throw error
      if (!this.#mayFetch(asking)) throw remoteTooLarge()
      return remoteThumbnails.of(name, wish, asking)
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
