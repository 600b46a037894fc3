import { z } from 'zod'
import { forbidden } from '../../matrix/errors.ts'
import { route } from '../route.ts'

/**
 * What the command line asks of a running server, through a Unix socket that only the server's own user can open: to
 * reach it is to be allowed.
 */
const PATH = '/local/v1/users'
const name = z.string().min(1).max(255)
const password = z.string()

export const createUser = route(
  {
    id: 'local.createUser',
    method: 'POST',
    path: PATH,
    auth: 'none',
    limit: 'none',
    body: z.object({ name, password, admin: z.boolean().default(false) }),
  },
  async ({ body }, { accounts }) => ({
    user_id: await accounts.createWithPassword(body.name, body.password, body.admin),
  }),
)

export const listUsers = route(
  {
    id: 'local.listUsers',
    method: 'GET',
    path: PATH,
    auth: 'none',
    limit: 'none',
    query: z.object({ after: z.string().default(''), limit: z.coerce.number().int().min(1).max(1000).default(1000) }),
  },
  async ({ query }, { accounts }) => ({
    users: (await accounts.list(query.after, query.limit)).map((account) => ({
      user_id: account.userId,
      admin: account.isAdmin,
      guest: account.isGuest,
      type: account.userType ?? null,
      deactivated: account.isDeactivated,
      locked: account.isLocked,
      created_ts: account.createdTs,
    })),
  }),
)

export const setPassword = route(
  {
    id: 'local.setPassword',
    method: 'PUT',
    path: `${PATH}/:name/password`,
    auth: 'none',
    limit: 'none',
    params: z.object({ name }),
    body: z.object({ password, keep_logins: z.boolean().default(false) }),
  },
  async ({ params, body }, { accounts }) => {
    const { userNid, userId } = await accounts.get(params.name)
    await accounts.setPassword(userNid, body.password, body.keep_logins ? 'keep' : { endAllBut: undefined })
    return { user_id: userId }
  },
)

const email = z.object({ address: z.string() })

export const addEmail = route(
  {
    id: 'local.addEmail',
    method: 'POST',
    path: `${PATH}/:name/email`,
    auth: 'none',
    limit: 'none',
    params: z.object({ name }),
    body: email,
  },
  async ({ params, body }, { accounts, thirdPartyIds }) => {
    const { userNid, userId, isDeactivated } = await accounts.get(params.name)
    if (isDeactivated) throw forbidden('This account has been deactivated')
    await thirdPartyIds.vouch(userNid, body.address)
    return { user_id: userId }
  },
)

export const removeEmail = route(
  {
    id: 'local.removeEmail',
    method: 'POST',
    path: `${PATH}/:name/email/remove`,
    auth: 'none',
    limit: 'none',
    params: z.object({ name }),
    body: email,
  },
  async ({ params, body }, { accounts, thirdPartyIds }) => {
    const { userNid, userId } = await accounts.get(params.name)
    await thirdPartyIds.delete(userNid, 'email', body.address)
    return { user_id: userId }
  },
)

export const deactivateUser = route(
  {
    id: 'local.deactivateUser',
    method: 'POST',
    path: `${PATH}/:name/deactivate`,
    auth: 'none',
    limit: 'none',
    params: z.object({ name }),
    body: z.object({ erase: z.boolean().default(false) }),
  },
  async ({ params, body }, { accounts }) => {
    const { userNid, userId } = await accounts.get(params.name)
    await accounts.deactivate(userNid, body.erase)
    return { user_id: userId }
  },
)
