import type { JsonObject } from '../../matrix/json.ts'
import type { Pdu, RoomEvent, StateLookup } from '../event.ts'
import { PowerLevels } from '../power-levels.ts'
import type { RoomVersion } from '../versions.ts'
import { contentOf, membershipOf } from './fields.ts'

/** An event, the state before it, and what the rules ask of the two again and again. */
export class AuthCase {
  readonly event: RoomEvent
  readonly pdu: Pdu
  readonly content: JsonObject
  readonly create: RoomEvent
  readonly state: StateLookup
  readonly version: RoomVersion
  #levels: PowerLevels | undefined

  constructor(event: RoomEvent, create: RoomEvent, state: StateLookup, version: RoomVersion) {
    this.event = event
    this.pdu = event.pdu
    this.content = contentOf(event.pdu)
    this.create = create
    this.state = state
    this.version = version
  }

  get levels(): PowerLevels {
    this.#levels ??= new PowerLevels(this.create, this.state('m.room.power_levels', ''), this.version)
    return this.#levels
  }

  /** The user's membership before the event; 'leave' if there is none. */
  membershipOf(userId: string): string {
    const member = this.state('m.room.member', userId)
    return (member && membershipOf(member.pdu)) ?? 'leave'
  }

  /** Without an event a room is open to the invited alone. */
  get joinRule(): unknown {
    const rules = this.state('m.room.join_rules', '')
    return rules ? contentOf(rules.pdu).join_rule : 'invite'
  }
}
