/** A list in pieces of this size, the last of what is left. */
export function* chunks<T>(values: readonly T[], size: number): Generator<readonly T[]> {
  for (let start = 0; start < values.length; start += size) yield values.slice(start, start + size)
}
