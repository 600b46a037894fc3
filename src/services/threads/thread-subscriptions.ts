import { invalidParam, MatrixError, notFound } from '../../matrix/errors.ts'
import type { EventId, RoomId } from '../../matrix/ids.ts'
import { findVisible } from '../reading/one-event.ts'
import type { Reading } from '../reading/reading.ts'
import { relationOf } from '../rooms/relation.ts'
import type { StoredEvent } from '../rooms/stored-event.ts'
import type { Viewer } from '../rooms/view/viewer.ts'
import type { Stream } from '../stream.ts'
import { parseToken } from '../tokens.ts'
import { changesText, pageToken } from './subscription-changes.ts'
import type { Thread, ThreadFollowing } from './thread-following.ts'

interface Deps {
  readonly reading: Reading
  readonly following: ThreadFollowing
  readonly stream: Stream
}

export interface PageQuery {
  readonly from: string | undefined
  readonly to: string | undefined
  readonly limit: number
}

const MAX_LIMIT = 500

/** Following threads, and no longer following them (MSC4306). A thread that one may not see is `M_NOT_FOUND`. */
export class ThreadSubscriptions {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Whether a client subscribed by itself; `M_NOT_FOUND` when the user does not follow the thread. */
  async get(viewer: Viewer, roomId: RoomId, rootId: EventId): Promise<{ automatic: boolean }> {
    const thread = await this.#threadOf(viewer, roomId, rootId)
    const subscription = await this.#deps.following.find(viewer.userNid, thread)
    if (!subscription?.isSubscribed) throw notFound('You do not follow this thread')
    return { automatic: subscription.isAutomatic }
  }

  /**
   * Subscribes. `causeId`: the event of the thread for which the client does so by itself, undefined: the user wants
   * it. A cause that arrived before the user left the thread is refused: some device has only just seen it.
   */
  async subscribe(viewer: Viewer, roomId: RoomId, rootId: EventId, causeId: EventId | undefined): Promise<void> {
    const thread = await this.#threadOf(viewer, roomId, rootId)
    const cause = causeId === undefined ? undefined : await this.#causeOf(viewer, roomId, rootId, causeId)
    await this.#deps.following.update(viewer, thread, (before) => {
      if (before?.isSubscribed && (cause || !before.isAutomatic)) return undefined
      if (cause && cause.pos <= (before?.unsubscribedPos ?? Number.NEGATIVE_INFINITY)) throw conflict()
      return { isSubscribed: true, isAutomatic: cause !== undefined, unsubscribedPos: undefined }
    })
  }

  /** Unsubscribing from what one does not follow is no error. */
  async unsubscribe(viewer: Viewer, roomId: RoomId, rootId: EventId): Promise<void> {
    const thread = await this.#threadOf(viewer, roomId, rootId)
    await this.#deps.following.update(viewer, thread, (before, pos) =>
      before?.isSubscribed ? { isSubscribed: false, isAutomatic: false, unsubscribedPos: pos } : undefined,
    )
  }

  /** A page of what has changed, latest first, as JSON text (MSC4308). */
  async listChanges({ userNid }: Viewer, { from, to, limit }: PageQuery): Promise<string> {
    const { following, stream } = this.#deps
    if (limit <= 0) throw invalidParam('`limit` is greater than zero')
    const upTo = from === undefined ? stream.current : parseToken(from).pos
    const after = to === undefined ? 0 : parseToken(to).pos
    const most = Math.min(limit, MAX_LIMIT)
    const changes = await following.changed(userNid, after, upTo, most)
    const last = changes.length === most ? changes.at(-1) : undefined
    const fields = [...changesText(changes), ...(last ? [`"end":"${pageToken(last)}"`] : [])]
    return `{${fields.join(',')}}`
  }

  async #threadOf(viewer: Viewer, roomId: RoomId, rootId: EventId): Promise<Thread> {
    const { view } = await findVisible(this.#deps.reading, viewer, roomId, rootId)
    return { roomNid: view.room.nid, rootId }
  }

  async #causeOf(viewer: Viewer, roomId: RoomId, rootId: EventId, causeId: EventId): Promise<StoredEvent> {
    const { event } = await findVisible(this.#deps.reading, viewer, roomId, causeId)
    const relation = relationOf(event.pdu)
    if (relation?.relType === 'm.thread' && relation.parentId === rootId) return event
    throw new MatrixError('IO.ELEMENT.MSC4306.M_NOT_IN_THREAD', 'That event is not in the thread')
  }
}

const conflict = () =>
  new MatrixError('IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION', 'The thread was left after that event')
