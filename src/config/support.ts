import { z } from 'zod'
import { isUserId } from '../matrix/ids.ts'

const contact = z
  .strictObject({
    role: z
      .string()
      .describe('m.role.admin for anything, m.role.security for what is confidential.')
      .meta({ example: 'm.role.admin' }),
    matrix_id: z.string().refine(isUserId, 'must be a user id').optional().describe('A Matrix user id.'),
    email_address: z.email().optional().describe('A mail address.'),
  })
  .refine(
    ({ matrix_id, email_address }) => matrix_id !== undefined || email_address !== undefined,
    'needs matrix_id or email_address',
  )

export const support = z
  .strictObject({
    contacts: z
      .array(contact)
      .prefault([])
      .describe('Whom to turn to.')
      .meta({ example: [{ role: 'm.role.admin', email_address: 'admin@example.org' }] }),
    page: z.url().optional().describe('A page that helps people.').meta({ example: 'https://example.org/help' }),
  })
  .prefault({})
  .describe('Help for users and other administrators; published in /.well-known/matrix/support.')
