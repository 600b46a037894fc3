/**
 * The state of a room at an event, shared between events. A state is a persistent B+ tree of small nodes in order of
 * (type, state key): one change makes the nodes on one path anew, in one row, and shares all others. Rows never change.
 *
 * Chosen by trial: a room of 20,000 members, 50,000 state changes one after the other, 500 forks compared and merged
 * (bench/state-storage.ts; SQLite, two busy cores; a plain membership event of version 12 has about 680 bytes).
 *
 * |                                        | bytes a change | a fork at the worst place | load   | one entry | diff, 10 apart |
 * |----------------------------------------|----------------|---------------------------|--------|-----------|----------------|
 * | layers that double                     | 258            | 19,400 bytes              | 34 ms  | 17 µs     | 1.9 ms         |
 * | layers that grow fourfold              | 322            | 14,400 bytes              | 13 ms  | 19 µs     | 2.1 ms         |
 * | trie of nodes found by their hash      | 406            | 390 bytes                 | 25 ms  | 16 µs     | 0.34 ms        |
 * | this, 12 items a node                  | 287            | at most 1,113 bytes       | 17 ms  | 55 µs     | 0.3 ms         |
 *
 * (The first three ran on the bare driver, without Kysely and its promises: their times flatter them. The worst place
 * was found by time among 600 states for those, and is the largest row of all, merges included, for this one.) Layers
 * are cheap on average only: whoever sends forks off the state before a great merge has every one of them pay for it.
 * The trie pays for its index of hashes and cannot read one type alone. Fewer items a node: 247 bytes with 8, but a
 * level more to read; 317 with 16. PostgreSQL: 350 bytes a change, 0.7 ms for one (all round trips), 42 ms to load,
 * 1.6 ms to diff.
 */
export { applyChanges } from './change.ts'
export { diffStates, type StateDifference } from './diff.ts'
export type { StateChange, StateEntry, StateKey } from './entry.ts'
export { loadState, type StatePart, stateEntries, stateEntry } from './read.ts'
