/**
 * The state of a room at an event, shared between events. A state is a persistent B+ tree of small nodes in order of
 * (type, state key): one change makes the nodes on one path anew, in one row, and shares all others.
 */
export { applyChanges } from './change.ts'
export { diffStates, type StateDifference } from './diff.ts'
export type { StateChange, StateEntry, StateKey } from './entry.ts'
export { loadState, type StatePart, stateEntries, stateEntry } from './read.ts'
