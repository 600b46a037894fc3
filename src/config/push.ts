import { z } from 'zod'

export const push = z
  .strictObject({
    plain_http: z
      .boolean()
      .prefault(false)
      .describe(
        'Let users name push gateways without TLS (http://), such as one on this machine. Its address must also be allowed in outbound.',
      ),
    include_content: z
      .boolean()
      .prefault(true)
      .describe(
        'Tell push gateways what was written, unless a client wants only the id of the event. Who wrote, and in which room, they are told either way. What is encrypted stays encrypted.',
      ),
  })
  .prefault({})
  .describe('Notifications to phones, by way of push gateways that the apps choose.')
