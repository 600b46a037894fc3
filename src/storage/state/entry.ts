/** Where an entry stands in a state. */
export interface StateKey {
  readonly typeNid: number
  readonly keyNid: number
}

/** One entry of a room's state: the event that stands for this type and state key. */
export interface StateEntry extends StateKey {
  readonly eventNid: number
}

/** A change of one entry; `null` removes it. */
export interface StateChange extends StateKey {
  readonly eventNid: number | null
}

/** The order of a state: by type, then by state key (of their numbers, not of their texts). */
export const compareKeys = (a: StateKey, b: StateKey): number => a.typeNid - b.typeNid || a.keyNid - b.keyNid
