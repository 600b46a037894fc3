import { z } from 'zod'
import { isObject, type JsonObject } from '../../matrix/json.ts'
import { route } from '../route.ts'

export const askPolicyServerToSign = route(
  {
    id: 'server.askPolicyServerToSign',
    method: 'POST',
    path: '/_matrix/policy/v1/sign',
    auth: 'federation',
    body: z.custom<JsonObject>(isObject, 'Not an object'),
  },
  async ({ requester, body }, { policyRequests }) => policyRequests.sign(requester.server, body),
)
