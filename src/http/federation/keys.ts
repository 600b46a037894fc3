import { z } from 'zod'
import { userId } from '../../matrix/ids.ts'
import { claimedKeys, claimsOf, queriedKeys, wantedOf } from '../keys-body.ts'
import { route } from '../route.ts'

const USER = '/_matrix/federation/v1/user'

export const getUserDevices = route(
  {
    id: 'server.getUserDevices',
    method: 'GET',
    path: `${USER}/devices/:userId`,
    auth: 'federation',
    params: z.object({ userId }),
  },
  async ({ params }, { servedKeys }) => servedKeys.devices(params.userId),
)

export const queryUserEncryptionKeys = route(
  {
    id: 'server.queryUserEncryptionKeys',
    method: 'POST',
    path: `${USER}/keys/query`,
    auth: 'federation',
    body: z.object({ device_keys: queriedKeys }),
  },
  async ({ body }, { servedKeys }) => servedKeys.query(wantedOf(body.device_keys)),
)

export const claimUserEncryptionKeys = route(
  {
    id: 'server.claimUserEncryptionKeys',
    method: 'POST',
    path: `${USER}/keys/claim`,
    auth: 'federation',
    body: z.object({ one_time_keys: claimedKeys }),
  },
  async ({ body }, { servedKeys }) => servedKeys.claim(claimsOf(body.one_time_keys)),
)
