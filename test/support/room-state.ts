import { stateKeyOf } from '../../src/room/state-key.ts'
import type { BuiltEvent, State } from './room-builder.ts'

export const at = (state: State, type: string, stateKey = ''): BuiltEvent | undefined =>
  state.get(stateKeyOf(type, stateKey))

export const stateOfEvents = (...events: BuiltEvent[]): State =>
  new Map(events.map((event) => [stateKeyOf(event.pdu.type, event.pdu.state_key ?? ''), event]))

/** A state as text: a line for each entry except the create event. */
export const summary = (state: State): string[] =>
  [...state.values()]
    .filter(({ pdu }) => pdu.type !== 'm.room.create')
    .map(({ pdu }) =>
      `${pdu.type.replace('m.room.', '')} ${pdu.state_key} ${JSON.stringify(pdu.content)}`.replace('  ', ' '),
    )
    .sort()
