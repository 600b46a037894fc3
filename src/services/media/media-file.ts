import { MatrixError, notFound } from '../../matrix/errors.ts'
import type { MediaContent, MediaRow } from '../../storage/media/media.ts'

export type { MediaContent, MediaName } from '../../storage/media/media.ts'

/** A file that is here. */
export interface MediaFile extends MediaContent {
  /** Since when. */
  readonly createdTs: number
}

const MEDIA_ID = /^[\w-]{1,255}$/

/** What may stand in an address and in a path (spec: content repository, Security considerations). */
export const isMediaId = (text: string): boolean => MEDIA_ID.test(text)

/** The file of a row; `M_NOT_FOUND` where nobody may have it, `M_NOT_YET_UPLOADED` where it is announced only. */
export function fileOf(row: MediaRow | undefined, now: number): MediaFile {
  if (row === undefined || row.quarantines > 0) throw unknownMedia()
  const { hash, bytes, contentType, filename, createdTs, expiresTs } = row
  if (expiresTs !== null && expiresTs <= now) throw unknownMedia()
  if (hash === null || bytes === null || contentType === null) {
    throw new MatrixError('M_NOT_YET_UPLOADED', 'The file has not been uploaded yet')
  }
  return { hash, bytes, contentType, filename: filename ?? undefined, createdTs }
}

/** The same for a file that never was, was deleted, is in quarantine, or is of a server that we do not talk to. */
export const unknownMedia = () => notFound('There is no such file')
