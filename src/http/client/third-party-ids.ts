import { z } from 'zod'
import { MatrixError } from '../../matrix/errors.ts'
import { route } from '../route.ts'
import { auth, opaque } from './account-input.ts'

const paths = (suffix: string) => ['v3', 'r0'].map((version) => `/_matrix/client/${version}${suffix}`)

const medium = z.enum(['email', 'msisdn'])

export const getAccount3PIDs = route(
  { id: 'client.getAccount3PIDs', method: 'GET', path: paths('/account/3pid'), auth: 'user' },
  async ({ requester }, { thirdPartyIds }) => ({
    threepids: (await thirdPartyIds.list(requester.userNid)).map(({ medium, address, validated_ts, added_ts }) => ({
      medium,
      address,
      validated_at: validated_ts,
      added_at: added_ts,
    })),
  }),
)

/** Deprecated: it is about sessions of an identity server, and this server trusts none. */
export const post3PIDs = route(
  {
    id: 'client.post3PIDs',
    method: 'POST',
    path: paths('/account/3pid'),
    auth: 'user',
    body: z.object({ three_pid_creds: z.looseObject({}) }),
  },
  async () => {
    throw new MatrixError('M_THREEPID_AUTH_FAILED', 'This server trusts no identity server')
  },
)

export const add3PID = route(
  {
    id: 'client.add3PID',
    method: 'POST',
    path: paths('/account/3pid/add'),
    auth: 'user',
    limit: 'login',
    body: z.object({ auth, client_secret: opaque, sid: opaque }),
  },
  async ({ requester, body }, { thirdPartyIds }) => {
    await thirdPartyIds.add(requester, body.auth, body.sid, body.client_secret)
    return {}
  },
)

export const bind3PID = route(
  {
    id: 'client.bind3PID',
    method: 'POST',
    path: paths('/account/3pid/bind'),
    auth: 'user',
    body: z.object({ client_secret: opaque, id_server: z.string(), id_access_token: z.string(), sid: opaque }),
  },
  async () => {
    throw new MatrixError('M_SERVER_NOT_TRUSTED', 'This server trusts no identity server')
  },
)

const named = z.object({ id_server: z.string().optional(), medium, address: z.string() })

export const delete3pidFromAccount = route(
  {
    id: 'client.delete3pidFromAccount',
    method: 'POST',
    path: paths('/account/3pid/delete'),
    auth: 'user',
    body: named,
  },
  async ({ requester, body }, { thirdPartyIds }) => {
    await thirdPartyIds.delete(requester.userNid, body.medium, body.address)
    return { id_server_unbind_result: 'no-support' }
  },
)

export const unbind3pidFromAccount = route(
  {
    id: 'client.unbind3pidFromAccount',
    method: 'POST',
    path: paths('/account/3pid/unbind'),
    auth: 'user',
    body: named,
  },
  async () => ({ id_server_unbind_result: 'no-support' }),
)
