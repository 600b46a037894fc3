import type { Http } from './http.ts'
import { ms } from './statistics.ts'

/** What the server's gauge adds to every delay: it looks this often. */
const PRECISION_MS = 10

/** How long the server's event loop was held since the last look, in milliseconds. */
export interface LoopDelay {
  readonly p99: number
  readonly max: number
}

/** Asks a server's metrics, which begin anew with each look. */
export async function loopDelay(http: Http): Promise<LoopDelay> {
  const { text } = await http.request('GET', '/metrics')
  const read = (name: string): number => {
    const value = new RegExp(`^nodejs_eventloop_lag_${name}_seconds (\\S+)$`, 'm').exec(text)?.[1]
    return Math.max(0, Number(value) * 1000 - PRECISION_MS)
  }
  return { p99: read('p99'), max: read('max') }
}

export const loopText = ({ p99, max }: LoopDelay): string => `event loop p99 ${ms(p99)}, max ${ms(max)}`

/** The bar: whatever happens, 99 of 100 looks find the loop free within this. */
export const LOOP_BAR_MS = 20
