import { imageLibrary } from './image-library.ts'

/** What a picture is, whoever says what it is. */
export interface ImageFacts {
  readonly contentType: string
  /** Pixels, upright. */
  readonly width: number
  readonly height: number
}

const TYPES: Readonly<Record<string, string>> = {
  jpeg: 'image/jpeg',
  png: 'image/png',
  gif: 'image/gif',
  webp: 'image/webp',
  heif: 'image/avif',
}

/** Reads the head of a picture; `undefined` for what is none, or none that browsers show. */
export async function measureImage(content: Buffer): Promise<ImageFacts | undefined> {
  const sharp = await imageLibrary()
  try {
    const { format, autoOrient } = await sharp(content, { limitInputPixels: false }).metadata()
    const contentType = Object.hasOwn(TYPES, format) ? TYPES[format] : undefined
    return contentType === undefined ? undefined : { contentType, ...autoOrient }
  } catch {
    return undefined // whatever sharp throws is about the picture
  }
}
