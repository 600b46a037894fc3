import { z } from 'zod'
import { forbidden } from '../../matrix/errors.ts'
import { type Requester, route } from '../route.ts'

/** What the tools of the ecosystem use to manage registration tokens, the way Synapse's admin API has it. */
const PATH = '/_synapse/admin/v1/registration_tokens'

export const listRegistrationTokens = route(
  { id: 'synapse.listRegistrationTokens', method: 'GET', path: PATH, auth: 'user' },
  async ({ requester }, { registrationTokens }) => {
    checkAdmin(requester)
    const tokens = await registrationTokens.list()
    return {
      registration_tokens: tokens.map(({ token, usesAllowed, pending, completed, expiresTs }) => ({
        token,
        uses_allowed: usesAllowed ?? null,
        pending,
        completed,
        expiry_time: expiresTs ?? null,
      })),
    }
  },
)

export const createRegistrationToken = route(
  {
    id: 'synapse.createRegistrationToken',
    method: 'POST',
    path: `${PATH}/new`,
    auth: 'user',
    body: z.object({
      token: z.string().nullish(),
      uses_allowed: z.int().nonnegative().nullish(),
      expiry_time: z.int().nonnegative().nullish(),
    }),
  },
  async ({ requester, body }, { registrationTokens }) => {
    checkAdmin(requester)
    const token = await registrationTokens.create({
      token: body.token ?? undefined,
      usesAllowed: body.uses_allowed ?? undefined,
      expiresTs: body.expiry_time ?? undefined,
    })
    return {
      token,
      uses_allowed: body.uses_allowed ?? null,
      pending: 0,
      completed: 0,
      expiry_time: body.expiry_time ?? null,
    }
  },
)

export const deleteRegistrationToken = route(
  {
    id: 'synapse.deleteRegistrationToken',
    method: 'DELETE',
    path: `${PATH}/:token`,
    auth: 'user',
    params: z.object({ token: z.string() }),
  },
  async ({ requester, params }, { registrationTokens }) => {
    checkAdmin(requester)
    await registrationTokens.delete(params.token)
    return {}
  },
)

function checkAdmin(requester: Requester): void {
  if (!requester.isAdmin) throw forbidden('Only administrators can do this')
}
