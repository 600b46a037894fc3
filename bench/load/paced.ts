import { setTimeout as sleep } from 'node:timers/promises'

/** Runs `work` in `workers` loops at once until the time is up; returns how often it ended in each whole second. */
export async function saturate(
  workers: number,
  seconds: number,
  work: (worker: number) => Promise<void>,
): Promise<number[]> {
  const started = performance.now()
  const end = started + seconds * 1000
  const perSecond = Array<number>(Math.max(1, Math.floor(seconds))).fill(0)
  const loop = async (worker: number) => {
    while (performance.now() < end) {
      await work(worker)
      const second = Math.floor((performance.now() - started) / 1000)
      if (second < perSecond.length) perSecond[second] = (perSecond[second] ?? 0) + 1
    }
  }
  await Promise.all(Array.from({ length: workers }, (_, worker) => loop(worker)))
  return perSecond
}

/** Calls `work` at a steady rate, whether or not the calls before it have ended; resolves when all have. */
export async function paced(
  perSecond: number,
  seconds: number,
  work: (index: number) => Promise<unknown>,
): Promise<void> {
  const started = performance.now()
  const pending: Promise<unknown>[] = []
  for (let index = 0; index < perSecond * seconds; index++) {
    const due = started + (index / perSecond) * 1000
    const wait = due - performance.now()
    if (wait > 1) await sleep(wait)
    pending.push(work(index))
  }
  await Promise.all(pending)
}
