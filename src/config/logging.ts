import { z } from 'zod'

export const logging = z
  .strictObject({
    level: z
      .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
      .prefault('info')
      .describe('The least important lines that are written; info has one line for each request.'),
  })
  .prefault({})
  .describe('The log: one JSON object a line on standard output, without tokens, passwords or contents.')
