import { z } from 'zod'

const policy = z
  .strictObject({
    min_length: z.int().min(1).max(512).prefault(8).describe('Characters that a password must have.'),
    require_digit: z.boolean().prefault(false).describe('Ask for a digit.'),
    require_lowercase: z.boolean().prefault(false).describe('Ask for a lower-case letter.'),
    require_uppercase: z.boolean().prefault(false).describe('Ask for an upper-case letter.'),
    require_symbol: z.boolean().prefault(false).describe('Ask for a symbol.'),
  })
  .prefault({})
  .describe('What a new password must be like.')

const argon2id = z.strictObject({
  kind: z.literal('argon2id'),
  memory_kib: z.int().min(8).prefault(19_456).describe('Memory for one hash, in KiB.'),
  passes: z.int().min(1).prefault(2).describe('Passes over that memory.'),
  lanes: z.int().min(1).prefault(1).describe('Lanes computed side by side.'),
})

const pbkdf2 = z.strictObject({
  kind: z.literal('pbkdf2-sha256'),
  iterations: z.int().min(1).prefault(600_000).describe('Iterations.'),
})

export const passwords = z
  .strictObject({
    login: z.boolean().prefault(true).describe('Let people log in with a password.'),
    change: z.boolean().prefault(true).describe('Let people change their own password.'),
    policy,
    hash: z
      .discriminatedUnion('kind', [argon2id, pbkdf2])
      .prefault({ kind: 'argon2id' })
      .describe('How passwords are stored. pbkdf2-sha256 is for offices that must use a validated module.'),
    max_concurrent: z.int().min(1).prefault(2).describe('Passwords that are hashed at once; each takes a thread.'),
  })
  .prefault({})
  .describe('Passwords.')
