import type { Logger } from 'pino'
import { RemoteFailure } from '../../../federation/remote-failure.ts'
import { MatrixError } from '../../../matrix/errors.ts'
import { serverOf } from '../../../matrix/ids.ts'
import { prevEventIds } from '../../../room/event.ts'
import { listEventStubs } from '../../../storage/rooms/events.ts'
import type { LiveRoom } from '../live-room.ts'
import type { StateView } from '../state/state-view.ts'
import type { Incoming } from './incoming.ts'
import type { FetchDeps } from './missing-auth.ts'
import { stateAfterGap } from './state-at-gap.ts'

interface Deps extends FetchDeps {
  readonly log: Logger
}

/** States that one server is asked for in one run: below the lowest events, and further ones below the others. */
const MAX_ASKED = 10
const MAX_ASKED_ABOVE = 10

/**
 * The states at gaps that stay open, as one server after the other tells them. What one cannot tell another may: of a
 * room each knows the part in which it was there. No gap keeps what is behind the others waiting.
 */
export class OpenGaps {
  readonly #deps: Deps
  readonly #room: LiveRoom
  readonly #views = new Map<string, StateView>()

  constructor(deps: Deps, room: LiveRoom) {
    this.#deps = deps
    this.#room = room
  }

  /** The states after events that are not here, by their ids. */
  get views(): ReadonlyMap<string, StateView> {
    return this.#views
  }

  /** What was told of these states let nobody take an event: another server may tell otherwise. */
  doubt(ids: readonly string[]): void {
    for (const id of ids) this.#views.delete(id)
  }

  /**
   * Asks a server for the states after what is missing directly below the lowest of these events, the last ones first, until
   * all are known of one event; false: it tells none of them. `asked`: what this server was asked for.
   */
  stepOver(server: string, events: readonly Incoming[], asked: Set<string>, signal: AbortSignal): Promise<boolean> {
    return this.#below(server, events.filter(not(above(events))), asked, MAX_ASKED, signal)
  }

  /**
   * The same below those that wait for one of these events that others made: what nobody can complete keeps nothing waiting
   * that comes after it. Who has taken it can tell what was before that; who made it may as well complete it.
   */
  stepOverWaiting(
    server: string,
    events: readonly Incoming[],
    asked: Set<string>,
    signal: AbortSignal,
  ): Promise<boolean> {
    const ofOthers = events.filter(({ pdu }) => serverOf(pdu.sender) !== server)
    return this.#below(server, events.filter(above(ofOthers)), asked, MAX_ASKED + MAX_ASKED_ABOVE, signal)
  }

  async #below(
    server: string,
    events: readonly Incoming[],
    asked: Set<string>,
    most: number,
    signal: AbortSignal,
  ): Promise<boolean> {
    const unknown = await notHere(
      this.#deps,
      this.#room,
      events.flatMap(({ pdu }) => prevEventIds(pdu)),
    )
    const known = this.#views.size
    for (const { pdu } of events.toReversed()) {
      const open = prevEventIds(pdu).filter((id) => unknown.has(id) && !this.#views.has(id))
      if (open.length > 0 && (await this.#ask(server, open, asked, most, signal))) break
    }
    return this.#views.size > known
  }

  /** Whether the states after all of these events are known now. */
  async #ask(
    server: string,
    ids: readonly string[],
    asked: Set<string>,
    most: number,
    signal: AbortSignal,
  ): Promise<boolean> {
    for (const id of ids) {
      if (asked.has(id) || asked.size >= most || signal.aborted) return false
      asked.add(id)
      const view = await this.#stateAfter(server, id, signal)
      if (!view) return false
      this.#views.set(id, view)
    }
    return true
  }

  async #stateAfter(server: string, eventId: string, signal: AbortSignal): Promise<StateView | undefined> {
    try {
      return await stateAfterGap(this.#deps, server, this.#room, eventId, signal)
    } catch (error) {
      if (!(error instanceof RemoteFailure) && !(error instanceof MatrixError)) throw error
      const { roomId } = this.#room
      this.#deps.log.info({ server, roomId, eventId, reason: error.message }, 'the state at a gap is not told')
      return undefined
    }
  }
}

/** Tells of events whether they follow one of these. */
function above(events: readonly Incoming[]): (event: Incoming) => boolean {
  const ids = new Set(events.map(({ eventId }) => eventId))
  return ({ pdu }) => prevEventIds(pdu).some((id) => ids.has(id))
}

const not =
  (claim: (event: Incoming) => boolean) =>
  (event: Incoming): boolean =>
    !claim(event)

/** Those that have no place in the room yet: outliers have none, nor what is of another room. */
export async function notHere(
  { db }: Pick<Deps, 'db'>,
  { nid }: Pick<LiveRoom, 'nid'>,
  ids: readonly string[],
): Promise<Set<string>> {
  const stubs = await listEventStubs(db, ids)
  const here = new Set(stubs.flatMap((stub) => (stub.room_nid === nid && stub.state_nid !== null ? stub.event_id : [])))
  return new Set(ids.filter((id) => !here.has(id)))
}
