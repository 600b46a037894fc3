import { z } from 'zod'

export const search = z
  .strictObject({
    messages: z
      .boolean()
      .prefault(true)
      .describe(
        'Let people search what was said in rooms that are not encrypted. false: no index is kept, and one that was there is deleted.',
      ),
  })
  .prefault({})
  .describe('Searching messages.')
