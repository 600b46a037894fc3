/** What a client asks for, in pixels (spec: content repository, Thumbnails). */
export interface ThumbnailWish {
  readonly width: number
  readonly height: number
  /** 'scale': all of the picture, fitting in. 'crop': the middle of it, filling the size. */
  readonly method: 'crop' | 'scale'
  readonly animated: boolean
}

/** A bomb is small as a file and huge as a picture: 64 megapixels are more than any office camera takes. */
export const MAX_PIXELS = 64_000_000

/** The specification's boxes, and one for large screens. */
const BOXES: readonly (readonly [number, number])[] = [
  [96, 96],
  [320, 240],
  [640, 480],
  [800, 600],
  [1600, 1200],
]
const CROP_SIDES: readonly number[] = [32, 96, 256, 512, 1024]
/** Of a cropped picture the shorter side is a multiple of a sixteenth of the longer one: 16:9, 4:3 and 1:1 are exact. */
const CROP_STEPS = 16

/**
 * The size that is made for a wish: the next larger of few, because each is kept, and who asks for every size must not
 * fill the disk. Beyond the largest it is the picture's own, because no picture that is read has a longer side.
 */
export function sizeFor(wish: ThumbnailWish): ThumbnailWish {
  const { width, height, method } = wish
  if (method === 'scale') {
    const fitting = BOXES.find(([boxWidth, boxHeight]) => width <= boxWidth && height <= boxHeight)
    const [boxWidth, boxHeight] = fitting ?? [MAX_PIXELS, MAX_PIXELS]
    return { ...wish, width: boxWidth, height: boxHeight }
  }
  const longer = Math.max(width, height)
  const side = CROP_SIDES.find((candidate) => longer <= candidate)
  if (side === undefined) return sizeFor({ ...wish, method: 'scale', width: MAX_PIXELS, height: MAX_PIXELS })
  const step = (length: number) => (Math.ceil((length / longer) * CROP_STEPS) / CROP_STEPS) * side
  return { ...wish, width: step(width), height: step(height) }
}
