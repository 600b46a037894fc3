const minutes = Number(process.env.LONG ?? 0)

/** A few rounds in the short form; with `LONG=<minutes>` as many as fit into that time. */
export function* rounds(short: number): Generator<number> {
  const end = performance.now() + minutes * 60_000
  for (let round = 0; minutes > 0 ? performance.now() < end : round < short; round++) yield round
}

/** How long a test may take: the longer it went on, the more is left to be done at its end. */
export const timeoutMs = 2 * minutes * 60_000 + 60_000
