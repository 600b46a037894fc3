import { notFound } from '../../matrix/errors.ts'
import { route } from '../route.ts'

/** Asked on the port of the web, so whatever listens for clients answers it too. */
export const getWellKnown = route(
  { id: 'wellknown.getWellKnown', method: 'GET', path: '/.well-known/matrix/server', auth: 'none' },
  async (_input, { discovery }) => {
    if (discovery.delegatedServer === undefined) throw notFound('This server delegates to no other name')
    return { 'm.server': discovery.delegatedServer }
  },
)

/** The key that a room names when it wants this server to watch over it. */
export const getWellknownPolicy = route(
  {
    id: 'wellknown.getWellknownPolicy',
    method: 'GET',
    path: '/.well-known/matrix/policy_server',
    auth: 'none',
    limit: 'none',
  },
  async (_input, { policyRequests }) => ({ public_keys: { ed25519: policyRequests.publicKey } }),
)
