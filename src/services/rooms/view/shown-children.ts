import type { EventRow } from '../../../storage/rooms/events.ts'
import type { LiveRoom } from '../live-room.ts'
import { StoredEvent } from '../stored-event.ts'
import type { Viewer } from './viewer.ts'
import type { Visibility } from './visibility.ts'

/** 'full'; 'nested' without threads, for an event inside an aggregation; 'none'. So no chain of relations is followed. */
export type BundleDepth = 'full' | 'nested' | 'none'

interface Deps {
  readonly visibility: Visibility
  render(room: LiveRoom, events: readonly StoredEvent[], viewer: Viewer, depth: BundleDepth): Promise<string[]>
}

/** Children of events of one room, as far as they count for one viewer. */
export class VisibleChildren {
  readonly #visibility: Visibility
  readonly room: LiveRoom
  readonly viewer: Viewer

  constructor(visibility: Visibility, room: LiveRoom, viewer: Viewer) {
    this.#visibility = visibility
    this.room = room
    this.viewer = viewer
  }

  /** Those of the events that `isMeant`, that the viewer may see, and whose senders the viewer does not ignore. */
  among(rows: readonly EventRow[], isMeant: (event: StoredEvent) => boolean = () => true): Promise<StoredEvent[]> {
    const { roomId, version } = this.room
    const events = rows.map((row) => new StoredEvent(row, roomId, version)).filter(isMeant)
    return this.#visibility.visibleEvents(this.room, events, this.viewer)
  }

  /** Up to which position of arrival there may be any. */
  horizon(): Promise<number> {
    return this.#visibility.horizon(this.room, this.viewer)
  }
}

/** The same, to be shown. */
export class ShownChildren extends VisibleChildren {
  readonly #deps: Deps

  constructor(deps: Deps, room: LiveRoom, viewer: Viewer) {
    super(deps.visibility, room, viewer)
    this.#deps = deps
  }

  /** The client texts of events, by number. */
  async render(events: readonly StoredEvent[], depth: BundleDepth): Promise<Map<number, string>> {
    const texts = await this.#deps.render(this.room, events, this.viewer, depth)
    return new Map(events.map((event, index) => [event.nid, texts[index] as string]))
  }
}
