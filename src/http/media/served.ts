import { Readable } from 'node:stream'
import type { Services } from '../../compose/services.ts'
import type { MediaFile } from '../../services/media/media-file.ts'
import type { ThumbnailWish } from '../../services/media/thumbnail-size.ts'
import type { Thumbnail } from '../../services/media/thumbnails.ts'
import type { Served } from './file-reply.ts'
import type { ByteRange } from './range.ts'

/** A stored file. */
export function servedFile(mediaFiles: Services['mediaFiles'], file: MediaFile): Served {
  const { hash, bytes, contentType, filename } = file
  return { tag: hash, bytes, contentType, filename, read: (range) => mediaFiles.read(hash, range) }
}

/** The thumbnail of a stored file, or the file itself where it is no larger than what is asked for. */
export async function thumbnailOf(
  file: MediaFile,
  wish: ThumbnailWish,
  who: string,
  { thumbnails, mediaFiles }: Pick<Services, 'thumbnails' | 'mediaFiles'>,
): Promise<Served> {
  return servedPicture(mediaFiles, (await thumbnails.of(file, wish, who)) ?? file)
}

/** A thumbnail that somebody has made, or the picture itself. */
export const servedPicture = (mediaFiles: Services['mediaFiles'], picture: MediaFile | Thumbnail): Served =>
  'content' in picture ? servedThumbnail(picture) : servedFile(mediaFiles, picture)

function servedThumbnail({ name, content, contentType }: Thumbnail): Served {
  const read = ({ start, end }: ByteRange = { start: 0, end: content.length - 1 }) =>
    Readable.from([content.subarray(start, end + 1)])
  return { tag: name, bytes: content.length, contentType, filename: undefined, read }
}
