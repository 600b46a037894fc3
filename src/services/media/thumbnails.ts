import { tooLarge } from '../../matrix/errors.ts'
import { StorageFull } from '../../storage/failure.ts'
import type { Gate } from '../gate.ts'
import type { MediaFiles } from './files.ts'
import type { MediaFile } from './media-file.ts'
import { renderThumbnail, typeOfThumbnail } from './render-thumbnail.ts'
import { sizeFor, type ThumbnailWish } from './thumbnail-size.ts'

interface Deps {
  readonly files: MediaFiles
  /** How many are made at once. */
  readonly gate: Gate
}

export interface Thumbnail {
  /** Changes whenever the bytes do. */
  readonly name: string
  readonly contentType: string
  readonly content: Buffer
}

/** Larger pictures are not even read. */
const MAX_IMAGE_BYTES = 32 * 1024 * 1024

/**
 * Thumbnails of stored pictures, made when first asked for and kept beside them: most uploads are encrypted, and of the
 * others most are never asked for in all five sizes of the specification.
 */
export class Thumbnails {
  readonly #deps: Deps
  readonly #making = new Map<string, Promise<Buffer | undefined>>()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** `undefined`: the file itself is what should be shown. `who`: see `Gate`. Errors: see `renderThumbnail`. */
  async of(file: MediaFile, wish: ThumbnailWish, who: string): Promise<Thumbnail | undefined> {
    const size = sizeFor(wish)
    const name = `${size.width}x${size.height}-${size.method}${size.animated ? '-animated' : ''}`
    const content =
      (await this.#deps.files.readDerived(file.hash, name)) ?? (await this.#makeOnce(file, size, name, who))
    return content && { name: `${file.hash}-${name}`, content, contentType: typeOfThumbnail(content) }
  }

  /** Many ask at once for the picture that was just sent. */
  #makeOnce(file: MediaFile, size: ThumbnailWish, name: string, who: string): Promise<Buffer | undefined> {
    const key = `${file.hash} ${name}`
    const running = this.#making.get(key)
    if (running !== undefined) return running
    const making = this.#deps.gate.run(() => this.#make(file, size, name), who).finally(() => this.#making.delete(key))
    this.#making.set(key, making)
    return making
  }

  async #make({ hash, bytes }: MediaFile, size: ThumbnailWish, name: string): Promise<Buffer | undefined> {
    const { files } = this.#deps
    if (bytes > MAX_IMAGE_BYTES) throw tooLarge('The picture is too large')
    const content = await renderThumbnail(await files.locate(hash), size)
    if (content !== undefined) await files.putDerived(hash, name, content).catch(ignoreFull)
    return content
  }
}

/** Where the disk has no room for a thumbnail it is made again. */
const ignoreFull = (error: unknown): void => {
  if (!(error instanceof StorageFull)) throw error
}
