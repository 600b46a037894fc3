import { RemoteFailure } from '../../../federation/remote-failure.ts'
import { type ErrCode, MatrixError } from '../../../matrix/errors.ts'

/** What a client may be told that another server answered. */
const RELAYED: readonly ErrCode[] = [
  'M_FORBIDDEN',
  'M_UNABLE_TO_AUTHORISE_JOIN',
  'M_UNABLE_TO_GRANT_JOIN',
  'M_INCOMPATIBLE_ROOM_VERSION',
  'M_UNSUPPORTED_ROOM_VERSION',
  'M_INVITE_BLOCKED',
  'M_NOT_FOUND',
]

/**
 * Asks servers one after the other until one does it. When none does, throws what a client may be told: what one of
 * them refused it for, or that none could be reached.
 */
export async function askInTurn<T>(servers: readonly string[], ask: (server: string) => Promise<T>): Promise<T> {
  const failures: (RemoteFailure | MatrixError)[] = []
  for (const server of servers) {
    try {
      return await ask(server)
    } catch (error) {
      if (!(error instanceof RemoteFailure) && !(error instanceof MatrixError)) throw error
      failures.push(error)
    }
  }
  for (const errcode of RELAYED) {
    const refused = failures.find((failure) => failure.errcode === errcode)
    if (refused instanceof MatrixError) throw refused
    if (refused) throw refused.toClient(errcode)
  }
  const [last] = failures.slice(-1)
  if (last instanceof RemoteFailure) throw last.toClient()
  throw last ?? new MatrixError('M_NOT_FOUND', 'No such room, or nobody here can let you in')
}
