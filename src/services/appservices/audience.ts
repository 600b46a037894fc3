import type { RoomId, UserId } from '../../matrix/ids.ts'
import { queueForAppService } from '../../storage/appservices.ts'
import type { Db, Tx } from '../../storage/db.ts'
import { internNames, nidOf } from '../../storage/names.ts'
import { listAliases } from '../../storage/rooms/directory.ts'
import { lruCache } from '../../util/lru.ts'
import type { Appended, RoomBefore } from '../rooms/append.ts'
import type { Batch, StateEdit } from '../rooms/entry.ts'
import { moveOf } from '../rooms/server-moves.ts'
import { type AppService, isWithin } from './app-service.ts'
import type { AppServices } from './app-services.ts'

interface Deps {
  readonly db: Db
  readonly appServices: AppServices
}

const MAX_CACHED_ROOMS = 10_000

/** Which application services hear what happens in a room (spec: application service API, Registration). */
export class Audience {
  readonly #deps: Deps
  /** Those that can be told anything. */
  readonly #listening: readonly AppService[]
  /** How many of their users are in the room, by its set of local members. */
  readonly #present = new WeakMap<ReadonlySet<UserId>, Map<AppService, number>>()
  readonly #ofRooms = lruCache<RoomId, readonly AppService[]>(MAX_CACHED_ROOMS)
  readonly #due = new Map<RoomId, ReadonlySet<AppService>>()
  readonly #listeners: ((service: AppService) => void)[] = []

  constructor(deps: Deps) {
    this.#deps = deps
    this.#listening = deps.appServices.all.filter(({ url }) => url !== undefined)
  }

  get isEmpty(): boolean {
    return this.#listening.length === 0
  }

  /** Told after the commit that something was queued for an application service. */
  onQueued(listener: (service: AppService) => void): void {
    this.#listeners.push(listener)
  }

  /** For `Append`: what queues a batch for those who are to hear of it. */
  async alongside(room: RoomBefore, batch: Batch): Promise<((tx: Tx) => Promise<void>) | undefined> {
    if (batch.isHistory) return undefined
    const heard = await this.#heardBy(room, batch)
    if (heard.size === 0) return undefined
    this.#due.set(batch.room.roomId, new Set(heard.keys()))
    return async (tx) => {
      const nids = await internNames(
        tx,
        [...heard.keys()].map(({ id }) => id),
      )
      for (const [{ id }, events] of heard) {
        queueForAppService(
          tx,
          nidOf(nids, id),
          [...events].map(({ nid }) => nid),
        )
      }
    }
  }

  /** For `Append`, after the commit. */
  onAppended({ room, changes }: Appended): void {
    // Counted anew for each, the ten thousand users of a bridge who join one after the other would be fifty million.
    const present = this.#present.get(room.localJoined)
    if (present) for (const edit of changes) this.#move(present, edit)
    for (const service of this.#due.get(room.roomId) ?? []) {
      for (const listener of this.#listeners) listener(service)
    }
    this.#due.delete(room.roomId)
  }

  /** For `Directory`: an alias leads to the room, or no longer does. */
  onAliased(roomId: RoomId): void {
    this.#ofRooms.delete(roomId)
  }

  /** Those who hear what happens in the room as it is. */
  async of(room: RoomBefore): Promise<ReadonlySet<AppService>> {
    const present = [...this.#presentIn(room).keys()]
    return new Set([...(await this.#ofRoom(room.roomId)), ...present])
  }

  async #heardBy(room: RoomBefore, batch: Batch): Promise<Map<AppService, Set<{ nid: number }>>> {
    const aliases = aliasesOfNew(batch)
    const always = aliases ? this.#having(batch.room.roomId, aliases) : await this.#ofRoom(room.roomId)
    const present = new Map(this.#presentIn(room))
    const heard = new Map<AppService, Set<{ nid: number }>>()
    const tell = (services: Iterable<AppService>, event: { nid: number }) => {
      for (const service of services) {
        const events = heard.get(service)
        if (events) events.add(event)
        else if (service.url !== undefined) heard.set(service, new Set([event]))
      }
    }
    const editsAt = Map.groupBy(batch.changes, ({ at }) => at)
    for (const entry of batch.entries) {
      const { event } = entry
      const edits = editsAt.get(entry)?.map(({ edit }) => edit) ?? []
      // Whoever was there before hears of it, and whoever is there afterwards.
      const before = [...present.keys()]
      for (const edit of edits) this.#move(present, edit)
      if (!event.isTimeline) continue
      const ofTarget = event.type === 'm.room.member' ? this.#ofUser(event.stateKey ?? '') : []
      for (const services of [always, before, present.keys(), this.#ofUser(event.pdu.sender), ofTarget]) {
        tell(services, event)
      }
    }
    // An invite to a room that we are not in stands outside the timeline.
    for (const { edit } of batch.changes) {
      if (edit.event && !edit.event.isTimeline) tell(this.#ofMember(edit), edit.event)
    }
    return heard
  }

  #move(present: Map<AppService, number>, edit: StateEdit): void {
    const move = moveOf(edit)
    if (!move) return
    for (const service of this.#ofMember(edit)) {
      const count = (present.get(service) ?? 0) + move.by
      if (count > 0) present.set(service, count)
      else present.delete(service)
    }
  }

  #ofMember({ event, replaces }: StateEdit): readonly AppService[] {
    const member = event ?? replaces
    return member?.type === 'm.room.member' ? this.#ofUser(member.stateKey ?? '') : []
  }

  #ofUser(userId: string): readonly AppService[] {
    return this.#deps.appServices.ofUser(userId)
  }

  #presentIn({ localJoined }: RoomBefore): ReadonlyMap<AppService, number> {
    let present = this.#present.get(localJoined)
    if (!present) {
      present = new Map<AppService, number>()
      for (const userId of localJoined) {
        for (const service of this.#ofUser(userId)) present.set(service, (present.get(service) ?? 0) + 1)
      }
      this.#present.set(localJoined, present)
    }
    return present
  }

  /** Those who have the room, or one of its aliases, in their namespaces. */
  async #ofRoom(roomId: RoomId): Promise<readonly AppService[]> {
    let known = this.#ofRooms.get(roomId)
    if (!known) {
      const wantsAliases = this.#listening.some((service) => service.aliases.length > 0)
      known = this.#having(roomId, wantsAliases ? await listAliases(this.#deps.db, roomId) : [])
      this.#ofRooms.set(roomId, known)
    }
    return known
  }

  #having(roomId: RoomId, aliases: readonly string[]): readonly AppService[] {
    return this.#listening.filter(
      (service) => isWithin(roomId, service.rooms) || aliases.some((alias) => isWithin(alias, service.aliases)),
    )
  }
}

/** The aliases of a room that the batch makes: they are in no table yet. Undefined: the room is there. */
function aliasesOfNew({ entries }: Batch): string[] | undefined {
  const [first] = entries
  if (first?.event.type !== 'm.room.create' || !first.event.isTimeline) return undefined
  return entries.flatMap(({ event }) => {
    const { alias } = event.type === 'm.room.canonical_alias' ? event.pdu.content : {}
    return typeof alias === 'string' ? alias : []
  })
}
