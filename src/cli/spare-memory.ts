import { getHeapSpaceStatistics, getHeapStatistics, setFlagsFromString } from 'node:v8'

const LOOK_EVERY_MS = 1_000
/** Looks, of which the one that saw the least tells what is alive. */
const REMEMBERED = 10
/** Share of the heap's limit from which on its old part is large. */
const LARGE = 1 / 8
/** What the old part may occupy, as a multiple of what is alive: beyond the first memory comes first, below the second speed. */
const WASTEFUL = 1.4
const THRIFTY = 1.25

/**
 * While the heap is large and most of what it grew by is garbage, has V8 collect at once and give back the pages that it
 * frees, which otherwise it keeps for ever: after all that the bench does in a row the process occupies 60 MiB less. For good
 * it would cost 0.04 ms of CPU a message, and a pause of 15 to 55 ms every four seconds while nothing much happens; and more
 * than twice that CPU if V8 shrank the young generation as well: `bongsu` gives it a least size.
 */
export function spareMemory(): void {
  const looks: number[] = []
  let isSparing = false
  const look = () => {
    const { total_heap_size: total, used_heap_size: used, heap_size_limit: limit } = getHeapStatistics()
    const young = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0
    const old = total - young
    looks.push(used)
    if (looks.length > REMEMBERED) looks.shift()
    const isToSpare = old > limit * LARGE && old > Math.min(...looks) * (isSparing ? THRIFTY : WASTEFUL)
    if (isToSpare !== isSparing) setFlagsFromString(isToSpare ? '--optimize-for-size' : '--no-optimize-for-size')
    isSparing = isToSpare
  }
  setInterval(look, LOOK_EVERY_MS).unref()
}
