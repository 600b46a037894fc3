import { z } from 'zod'
import { invalidParam } from '../../matrix/errors.ts'
import { eventId, MAX_ID_BYTES, roomId } from '../../matrix/ids.ts'
import { RECEIPT_TYPES } from '../../services/receipts.ts'
import { route } from '../route.ts'

export const postReceipt = route(
  {
    id: 'client.postReceipt',
    method: 'POST',
    path: [
      '/_matrix/client/v3/rooms/:roomId/receipt/:receiptType/:eventId',
      '/_matrix/client/r0/rooms/:roomId/receipt/:receiptType/:eventId',
    ],
    auth: 'user',
    params: z.object({ roomId, receiptType: z.enum(RECEIPT_TYPES), eventId }),
    body: z.object({ thread_id: z.unknown() }).partial(),
  },
  async ({ requester, params, body }, { receipts }) => {
    const { roomId, receiptType, eventId } = params
    await receipts.set(requester, roomId, receiptType, eventId, threadOf(body.thread_id))
    return {}
  },
)

/** '' stands for a receipt without a thread. */
function threadOf(threadId: unknown): string {
  if (threadId === undefined) return ''
  if (typeof threadId !== 'string' || threadId === '' || Buffer.byteLength(threadId) > MAX_ID_BYTES) {
    throw invalidParam('`thread_id` must be `main` or an event id')
  }
  return threadId
}
