import type { JsonObject } from '../../matrix/json.ts'
import type { Owner } from '../account-data/account-data.ts'
import type { Presence } from '../presence/presence.ts'
import type { ReceiptListener, Receipts } from '../receipts.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import type { Typing } from '../typing.ts'
import type { AppService } from './app-service.ts'
import type { AppServices } from './app-services.ts'
import type { Audience } from './audience.ts'
import type { PassingNews } from './passing-news.ts'

interface Deps {
  readonly appServices: AppServices
  readonly audience: Audience
  readonly passing: PassingNews
  wake(service: AppService): void
  onFailure(error: unknown): void
}

/** What application services hear beside events (spec: application service API, Pushing ephemeral data). */
export class EphemeralNews {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  listenTo({ typing, receipts, presence }: { typing: Typing; receipts: Receipts; presence: Presence }): void {
    typing.onTyping((room) => this.#onTyping(room, typing))
    receipts.onReceipt((room, receipt) => this.#onReceipt(room, receipt))
    presence.onChanged((user, content) => this.#onPresence(user, content, presence))
  }

  #onTyping(room: LiveRoom, typing: Typing): void {
    const { roomId } = room
    const content = { user_ids: typing.usersIn(roomId) }
    this.#tell(this.#deps.audience.of(room), `typing ${roomId}`, { type: 'm.typing', room_id: roomId, content })
  }

  #onReceipt(room: LiveRoom, { roomId, userId, eventId, ts, thread }: Parameters<ReceiptListener>[1]): void {
    const mark = thread === undefined ? { ts } : { ts, thread_id: thread }
    const content = { [eventId]: { 'm.read': { [userId]: mark } } }
    const about = `receipt ${roomId} ${userId} ${thread ?? ''}`
    this.#tell(this.#deps.audience.of(room), about, { type: 'm.receipt', room_id: roomId, content })
  }

  #onPresence(user: Owner, content: JsonObject, presence: Presence): void {
    const event = { type: 'm.presence', sender: user.userId, content }
    this.#tell(this.#seeing(user, presence), `presence ${user.userId}`, event)
  }

  /** Those who have the user, or one who shares a room with the user. */
  async #seeing(user: Owner, presence: Presence): Promise<ReadonlySet<AppService>> {
    const { appServices } = this.#deps
    const neighbours = await presence.neighboursOf(user)
    return new Set([...neighbours].flatMap((userId) => appServices.ofUser(userId)))
  }

  /** Takes its turn after the request that it follows from. */
  #tell(audience: Promise<ReadonlySet<AppService>>, about: string, event: JsonObject): void {
    const { passing, wake, onFailure } = this.#deps
    audience.then((services) => {
      for (const service of services) {
        if (!service.wantsEphemeral || service.url === undefined) continue
        passing.addEphemeral(service, about, JSON.stringify(event))
        wake(service)
      }
    }, onFailure)
  }
}
