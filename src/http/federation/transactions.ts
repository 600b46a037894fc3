import { z } from 'zod'
import { jsonText, route } from '../route.ts'

/** 50 events of 64 KiB, and as much again for the rest. */
const MAX_BODY_BYTES = 8 * 1024 * 1024

const list = z.array(z.unknown()).optional()

export const sendTransaction = route(
  {
    id: 'server.sendTransaction',
    method: 'PUT',
    path: '/_matrix/federation/v1/send/:txnId',
    auth: 'federation',
    maxBodyBytes: MAX_BODY_BYTES,
    params: z.object({ txnId: z.string().max(255) }),
    body: z.object({ pdus: list, edus: list }),
  },
  async ({ requester, params, body: { pdus = [], edus = [] } }, { inboundTransactions }) =>
    jsonText(await inboundTransactions.receive(requester.server, { txnId: params.txnId, pdus, edus })),
)
