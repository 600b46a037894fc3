import { z } from 'zod'

const pattern = z.string().min(1).refine(isPattern, 'is no regular expression')

function isPattern(text: string): boolean {
  try {
    new RegExp(text, 'u')
    return true
  } catch {
    return false
  }
}

export const policyServer = z
  .strictObject({
    refuse: z
      .array(pattern)
      .prefault([])
      .describe(
        'Regular expressions of what nobody may say. One that a long text keeps busy for long keeps the server busy for as long.',
      )
      .meta({ example: ['\\b\\d{6}-[1-4]\\d{6}\\b'] }),
  })
  .prefault({})
  .describe(
    'What this server holds back from rooms that name it as their policy server (m.room.policy), whoever says it and on ' +
      'whichever server: numbers of residents, say. It cannot see into what is encrypted. With nothing to refuse it is no policy server.',
  )
