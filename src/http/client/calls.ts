import { notFound } from '../../matrix/errors.ts'
import { route } from '../route.ts'

export const getTurnServer = route(
  {
    id: 'client.getTurnServer',
    method: 'GET',
    path: ['/_matrix/client/v3/voip/turnServer', '/_matrix/client/r0/voip/turnServer'],
    auth: 'user',
  },
  async ({ requester }, { turnAccess }) => {
    const access = turnAccess(requester.userId)
    if (!access) throw notFound('This server has no TURN server')
    return { ...access }
  },
)

/** The servers for calls of many (MSC4143, a proposal still). */
export const getRtcTransports = route(
  {
    id: 'client.getRtcTransports',
    method: 'GET',
    path: '/_matrix/client/unstable/org.matrix.msc4143/rtc/transports',
    auth: 'user',
  },
  async (_input, { rtcTransports }) => ({ rtc_transports: [...rtcTransports] }),
)
