import { getHeapStatistics, setFlagsFromString } from 'node:v8'

const LOOK_EVERY_MS = 1_000
/** Shares of the heap's limit: above the first memory comes before speed, below the second speed before memory again. */
const LARGE = 1 / 6
const SMALL = 1 / 8

/**
 * While the heap is large, V8 collects earlier and gives back the pages that it frees, which otherwise it keeps for ever:
 * after all that the bench does in a row the process occupies 60 to 80 MiB less. For good it would cost 0.04 ms of CPU a
 * message, and more than twice that if V8 shrank the young generation as well: `bongsu` gives it a least size.
 */
export function spareMemory(): void {
  let isSparing = false
  const look = () => {
    const { total_heap_size: size, heap_size_limit: limit } = getHeapStatistics()
    const isToSpare = size > limit * (isSparing ? SMALL : LARGE)
    if (isToSpare !== isSparing) setFlagsFromString(isToSpare ? '--optimize-for-size' : '--no-optimize-for-size')
    isSparing = isToSpare
  }
  setInterval(look, LOOK_EVERY_MS).unref()
}
