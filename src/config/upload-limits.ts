import { z } from 'zod'
import { size } from './units.ts'

export const uploadLimits = z
  .strictObject({
    user_day: size.optional().describe('What one user may upload in a day (UTC).'),
    user_day_files: z.int().min(1).optional().describe('How many files one user may upload in a day.'),
    user_total: size.optional().describe('What one user may have here. Files that are deleted no longer count.'),
    all_day: size.optional().describe('What all users together may upload in a day.'),
    all_total: size.optional().describe('What all users together may have here.'),
  })
  .optional()
  .describe(
    "Limits of uploads, each only where it is given; without any there is none but the disk's. The copies of other servers' files have limits of their own.",
  )
  .meta({
    example: { user_day: '1GiB', user_day_files: 500, user_total: '20GiB', all_day: '50GiB', all_total: '500GiB' },
  })
