/**
 * The conflicted part of states that are in memory as a whole: of each state the values at keys where not all have the
 * same (rooms/v2: conflicted state set). Storage finds it by comparing shared states instead, without loading them.
 */
export function split<T>(states: readonly ReadonlyMap<string, T>[]): T[][] {
  const [first, ...others] = states
  const agrees = (key: string) => others.every((other) => other.has(key) && other.get(key) === first?.get(key))
  const unconflicted = new Set([...(first?.keys() ?? [])].filter(agrees))
  return states.map((state) => [...state].flatMap(([key, value]) => (unconflicted.has(key) ? [] : [value])))
}
