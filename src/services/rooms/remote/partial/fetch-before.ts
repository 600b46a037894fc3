import type { Logger } from 'pino'
import { RemoteFailure } from '../../../../federation/remote-failure.ts'
import { MatrixError } from '../../../../matrix/errors.ts'
import { prevEventIds } from '../../../../room/event.ts'
import { nameNids } from '../../../../storage/names.ts'
import { EVENT_KIND, type EventStub } from '../../../../storage/rooms/events.ts'
import type { LiveRoom } from '../../live-room.ts'
import type { FetchDeps } from '../../receive/missing-auth.ts'
import { fetchState } from '../../receive/state-at-gap.ts'
import type { StoredEvent } from '../../stored-event.ts'

interface Deps extends FetchDeps {
  readonly log: Logger
}

/** The state before our join, and who told us. */
export interface StateBefore {
  readonly server: string
  readonly stubs: readonly EventStub[]
}

/** Asks servers one after the other for the whole state before our join; undefined where none can tell. */
export async function fetchBefore(
  deps: Deps,
  servers: readonly string[],
  room: LiveRoom,
  join: StoredEvent,
  signal: AbortSignal,
): Promise<StateBefore | undefined> {
  const previous = prevEventIds(join.pdu)
  const [only] = previous
  for (const server of servers) {
    if (signal.aborted) return undefined
    try {
      // Others may not have heard of the join yet, but of what it follows they have.
      const stubs =
        only !== undefined && previous.length === 1
          ? await fetchState(deps, server, room, only, 'after', signal)
          : await fetchState(deps, server, room, join.eventId, 'before', signal)
      if (stubs && (await hasCreate(deps, room, stubs))) return { server, stubs }
      deps.log.info({ server, roomId: room.roomId }, 'a server does not tell all of the state of a room')
    } catch (error) {
      if (!(error instanceof RemoteFailure) && !(error instanceof MatrixError)) throw error
      const { message: reason } = error
      if (!signal.aborted) deps.log.info({ server, roomId: room.roomId, reason }, 'the state of a room was not told')
    }
  }
  return undefined
}

async function hasCreate({ db }: Deps, room: LiveRoom, stubs: readonly EventStub[]): Promise<boolean> {
  const names = await nameNids(db, ['m.room.create', ''])
  return stubs.some(
    ({ room_nid: roomNid, kind, type_nid: typeNid, key_nid: keyNid }) =>
      roomNid === room.nid &&
      kind !== EVENT_KIND.rejected &&
      typeNid === names.get('m.room.create') &&
      keyNid === names.get(''),
  )
}
