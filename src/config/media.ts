import { z } from 'zod'
import { duration, size } from './units.ts'

export const media = z
  .strictObject({
    path: z.string().prefault('media').describe('The directory of uploaded files. Back it up with the database.'),
    max_upload: size.prefault('100MiB').describe('The largest file that may be uploaded.'),
    max_pending: z.int().min(1).prefault(20).describe('Files that one user may have announced and not yet sent.'),
    pending_for: duration.prefault('24h').describe('How long an announced file may take to arrive.'),
    legacy_downloads: z
      .boolean()
      .prefault(false)
      .describe('Let anybody who knows the address of a file download it, as old clients without tokens do.'),
  })
  .prefault({})
  .describe('Files and pictures.')
