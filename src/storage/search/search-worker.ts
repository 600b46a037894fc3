import { constants, setPriority } from 'node:os'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { workerData } from 'node:worker_threads'
import type { DatabaseConfig } from '../config.ts'
import { answerQuestions } from '../thread.ts'
import { openSearch } from './open.ts'
import type { SearchRequest } from './search-thread.ts'

/**
 * Keeps the index and looks things up in it, on a thread of its own with connections of its own: cutting up texts and
 * merging lists of words is work for the processor, and the event loop is for those who send and read.
 */
// On Linux this concerns the thread that says it, not the process.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL)

const opening = openSearch(workerData as DatabaseConfig)
answerQuestions(serve, opening)
const { store, follower } = await opening

let target = 0
/** Searches wait for the index. */
let waiting = 0
let following: Promise<void> | undefined

/**
 * What it pauses for each millisecond of work while nobody waits: a tenth of one core at most. Building a large index takes
 * minutes then, and leaves processor and disk to those who send.
 */
const PAUSE = 9

/** Towards the target. */
async function follow(): Promise<void> {
  for (;;) {
    const started = performance.now()
    const before = await follower.place()
    const place = await follower.step(target)
    if (place.eventNid >= target && place.again === before.again) return
    if (waiting > 0) await turn()
    else await sleep(PAUSE * (performance.now() - started))
  }
}

async function reach(upTo: number, isUrgent: boolean): Promise<number> {
  target = Math.max(target, upTo)
  if (isUrgent) waiting++
  try {
    do {
      following ??= follow().finally(() => {
        following = undefined
      })
      await following
    } while ((await follower.place()).eventNid < upTo)
  } finally {
    if (isUrgent) waiting--
  }
  return (await follower.place()).again
}

function serve(request: SearchRequest): Promise<unknown> {
  switch (request.is) {
    case 'reach':
      return reach(request.upTo, request.isUrgent)
    case 'find':
      return store.find(request.query, request.page)
    case 'count':
      return store.count(request.query, request.limit)
    case 'restart':
      following = (following ?? Promise.resolve())
        .then(() => follower.restart())
        .finally(() => {
          following = undefined
        })
      return following
  }
}
