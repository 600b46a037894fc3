import type { Metadata, Sharp } from 'sharp'
import { MatrixError, tooLarge } from '../../matrix/errors.ts'
import { imageLibrary } from './image-library.ts'
import { MAX_PIXELS, type ThumbnailWish } from './thumbnail-size.ts'

/** What may be in memory of one picture while it is read. */
const MAX_DECODED_BYTES = 400 * 1024 * 1024
const MAX_FRAMES = 200
const MAX_SECONDS = 10

/**
 * Makes a thumbnail of the picture in a file, upright and without metadata; never larger than the picture is. `undefined`
 * where the picture itself will do: it is no larger than what is asked for, moves only where that is wanted, and is of a
 * type that thumbnails have. `M_UNKNOWN` for what is no picture, `M_TOO_LARGE` for one with too many pixels.
 *
 * The library reads the file by itself, on its own thread: photos that come through buffers of ours have the collector
 * hold up everybody else (p99 14 ms instead of 5).
 */
export async function renderThumbnail(path: string, size: ThumbnailWish): Promise<Buffer | undefined> {
  const sharp = await imageLibrary()
  const known = await read(() => sharp(path, { limitInputPixels: false }).metadata())
  const { width, height } = known.autoOrient
  const pixels = width * height
  if (pixels > MAX_PIXELS || pixels * bytesPerPixel(known) > MAX_DECODED_BYTES)
    throw tooLarge('The picture has too many pixels')
  const isSmall = width <= size.width && height <= size.height
  const frames = known.pages ?? 1
  if (isSmall && (frames === 1 || size.animated) && known.format !== 'heif') return undefined
  const isAnimated = size.animated && frames > 1 && frames <= MAX_FRAMES && pixels * frames <= MAX_PIXELS
  const image = sharp(path, { limitInputPixels: MAX_PIXELS, failOn: 'error', animated: isAnimated })
    .timeout({ seconds: MAX_SECONDS })
    .autoOrient()
  if (!isSmall) image.resize(boxOf(width, height, size))
  return read(() => encode(image, known, isAnimated).toBuffer())
}

/**
 * What reading a picture takes for each of its pixels, as measured: AVIF, and pictures that come in several passes, cannot
 * be read line by line. 1.7 kB of AVIF with 64 megapixels took 1.1 GiB.
 */
function bytesPerPixel({ format, isProgressive, depth }: Metadata): number {
  const bytes = format === 'heif' ? 20 : isProgressive ? 5 : 1
  return depth === 'ushort' ? 2 * bytes : bytes
}

function boxOf(width: number, height: number, size: ThumbnailWish) {
  if (size.method === 'scale') return { width: size.width, height: size.height, fit: 'inside' as const }
  const shrink = Math.min(1, width / size.width, height / size.height) // a side that is too short is never stretched
  const pixels = (side: number) => Math.max(1, Math.floor(side * shrink))
  return { width: pixels(size.width), height: pixels(size.height), fit: 'cover' as const }
}

/** Photos stay JPEG, drawings PNG; what moves, and what came as WebP or AVIF, becomes WebP. */
function encode(image: Sharp, { format }: Metadata, isAnimated: boolean): Sharp {
  if (format === 'jpeg') return image.jpeg({ quality: 80 })
  if (format === 'png' || (format === 'gif' && !isAnimated)) return image.png()
  return image.webp({ quality: 80 })
}

/** The type of what was rendered, by its first byte. */
export const typeOfThumbnail = ([first]: Uint8Array): string =>
  first === 0xff ? 'image/jpeg' : first === 0x89 ? 'image/png' : 'image/webp'

/** What sharp throws is about the picture, which is the uploader's, and never a bug of ours. */
async function read<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw new MatrixError('M_UNKNOWN', 'This file is no picture that a thumbnail can be made of', {
      status: 400,
      cause,
    })
  }
}
