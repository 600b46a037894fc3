import { z } from 'zod'
import { previews } from './previews.ts'
import { scanner } from './scanner.ts'
import { day, duration, size } from './units.ts'
import { uploadLimits } from './upload-limits.ts'

export const media = z
  .strictObject({
    path: z.string().prefault('media').describe('The directory of uploaded files. Back it up with the database.'),
    max_upload: size.prefault('100MiB').describe('The largest file that may be uploaded.'),
    max_pending: z.int().min(1).prefault(20).describe('Files that one user may have announced and not yet sent.'),
    pending_for: duration.prefault('24h').describe('How long an announced file may take to arrive.'),
    limits: uploadLimits,
    legacy_downloads: z
      .boolean()
      .prefault(false)
      .describe('Let anybody who knows the address of a file download it, as old clients without tokens do.'),
    legacy_freeze: day
      .optional()
      .describe('With `legacy_downloads`: files that came on this day or later are for users only.')
      .meta({ example: '2026-12-01' }),
    remote: z
      .strictObject({
        max_size: size.prefault('100MiB').describe('The largest file that is fetched from another server.'),
        keep: duration.prefault('90d').describe('Copies that nobody asked for so long are deleted.'),
        max_total: size
          .prefault('20GiB')
          .describe('All copies together. Beyond that, those go first that nobody asked for the longest.'),
      })
      .prefault({})
      .describe('Copies of the files of other servers; what was deleted is fetched again when somebody asks for it.'),
    previews,
    scanner,
  })
  .prefault({})
  .describe('Files and pictures.')
