import { z } from 'zod'
import { roomAlias, userId } from '../../matrix/ids.ts'
import { route } from '../route.ts'

const paths = (suffix: string) => ['v3', 'r0'].map((version) => `/_matrix/client/${version}/thirdparty${suffix}`)
const ofProtocol = z.object({ protocol: z.string() })

/** What is no field of a search: who asks. */
const OWN_PARAMETERS = new Set(['access_token', 'user_id', 'device_id', 'org.matrix.msc3202.device_id'])

const fields = z.record(z.string(), z.union([z.string(), z.array(z.string())])).transform((query) => {
  const wanted = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (!OWN_PARAMETERS.has(name)) for (const one of [value].flat()) wanted.append(name, one)
  }
  return wanted
})

export const getProtocols = route(
  { id: 'client.getProtocols', method: 'GET', path: paths('/protocols'), auth: 'user' },
  async (_input, { thirdParty }) => thirdParty.protocols(),
)

export const getProtocolMetadata = route(
  {
    id: 'client.getProtocolMetadata',
    method: 'GET',
    path: paths('/protocol/:protocol'),
    auth: 'user',
    params: ofProtocol,
  },
  async ({ params }, { thirdParty }) => thirdParty.protocol(params.protocol),
)

export const queryLocationByProtocol = route(
  {
    id: 'client.queryLocationByProtocol',
    method: 'GET',
    path: paths('/location/:protocol'),
    auth: 'user',
    params: ofProtocol,
    query: fields,
  },
  async ({ params, query }, { thirdParty }) => thirdParty.find('location', params.protocol, query),
)

export const queryUserByProtocol = route(
  {
    id: 'client.queryUserByProtocol',
    method: 'GET',
    path: paths('/user/:protocol'),
    auth: 'user',
    params: ofProtocol,
    query: fields,
  },
  async ({ params, query }, { thirdParty }) => thirdParty.find('user', params.protocol, query),
)

export const queryLocationByAlias = route(
  {
    id: 'client.queryLocationByAlias',
    method: 'GET',
    path: paths('/location'),
    auth: 'user',
    query: z.object({ alias: roomAlias }),
  },
  async ({ query }, { thirdParty }) => thirdParty.findBy('location', 'alias', query.alias),
)

export const queryUserByID = route(
  {
    id: 'client.queryUserByID',
    method: 'GET',
    path: paths('/user'),
    auth: 'user',
    query: z.object({ userid: userId }),
  },
  async ({ query }, { thirdParty }) => thirdParty.findBy('user', 'userid', query.userid),
)
