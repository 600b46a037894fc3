import { z } from 'zod'
import { type UserId, userId } from '../../matrix/ids.ts'
import type { JsonObject } from '../../matrix/json.ts'
import { route } from '../route.ts'
import { auth } from './account-input.ts'
import { content } from './content.ts'

const keyPaths = (suffix: string) =>
  ['v3', 'r0', 'unstable'].map((version) => `/_matrix/client/${version}/keys/${suffix}`)

export const uploadCrossSigningKeys = route(
  {
    id: 'client.uploadCrossSigningKeys',
    method: 'POST',
    path: keyPaths('device_signing/upload'),
    auth: 'user',
    body: z.object({
      auth,
      master_key: content.nullish(),
      self_signing_key: content.nullish(),
      user_signing_key: content.nullish(),
    }),
  },
  async ({ requester, body }, { crossSigning }) => {
    const given = {
      master: body.master_key ?? undefined,
      self_signing: body.self_signing_key ?? undefined,
      user_signing: body.user_signing_key ?? undefined,
    }
    await crossSigning.upload(requester, given, body.auth)
    return {}
  },
)

export const uploadCrossSigningSignatures = route(
  {
    id: 'client.uploadCrossSigningSignatures',
    method: 'POST',
    path: keyPaths('signatures/upload'),
    auth: 'user',
    body: z.record(userId, z.record(z.string(), content)),
  },
  async ({ requester, body }, { keySignatures }) => {
    const signed = Object.entries(body).map(
      ([owner, keys]) => [owner as UserId, new Map<string, JsonObject>(Object.entries(keys))] as const,
    )
    return { failures: await keySignatures.upload(requester, new Map(signed)) }
  },
)
