import type { PowerLevels } from '../../room/power-levels.ts'
import { type Awaitable, andThen } from '../../util/awaitable.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import type { StoredEvent } from '../rooms/stored-event.ts'
import { PushEvent } from './push-event.ts'

/** Events as push rules look at them, made once for each event in memory, so that all who look share the work. */
export class PushEvents {
  readonly #known = new WeakMap<StoredEvent, PushEvent>()

  of(room: LiveRoom, event: StoredEvent): Awaitable<PushEvent> {
    return this.#known.get(event) ?? andThen(room.powerLevels(), (levels) => this.#make(room, event, levels))
  }

  #make(room: LiveRoom, event: StoredEvent, levels: PowerLevels): PushEvent {
    const made = new PushEvent(event.visible, event.eventId, {
      roomId: room.roomId,
      joinedMembers: room.counts.get('join') ?? 0,
      senderMayNotify: (kind) => mayNotify(levels, event.pdu.sender, kind),
    })
    this.#known.set(event, made)
    return made
  }
}

const mayNotify = (levels: PowerLevels, sender: string, kind: string): boolean =>
  levels.userLevel(sender) >= levels.notificationLevel(kind)
