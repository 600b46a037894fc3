import { z } from 'zod'
import { boolParam, intParam } from '../query.ts'

/** How long a download waits for a file that is announced and not there yet, unless the client says otherwise. */
const DEFAULT_WAIT_MS = 20_000
const MAX_WAIT_MS = 60_000

/** `timeout_ms`, in the query of every download. */
export const waiting = z.object({
  timeout_ms: intParam.default(DEFAULT_WAIT_MS).transform((ms) => Math.max(0, Math.min(ms, MAX_WAIT_MS))),
})

const pixels = intParam.pipe(z.int().min(1))

/** What is asked of a thumbnail. */
export const thumbnailWish = {
  width: pixels,
  height: pixels,
  method: z.enum(['crop', 'scale']).default('scale'),
  animated: boolParam.default(false),
}
