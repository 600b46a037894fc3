import { type Logger, pino } from 'pino'

const BUFFER_BYTES = 8 * 1024
const FLUSH_MS = 500

/**
 * The log on standard output. Lines are written in batches, off the event loop: a line a request must not cost a system
 * call a request.
 */
export function openLog(level: string): { log: Logger; close(): void } {
  const destination = pino.destination({ dest: 1, sync: false, minLength: BUFFER_BYTES })
  const flushing = setInterval(() => destination.flush(), FLUSH_MS).unref()
  const log = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination)
  return {
    log,
    close: () => {
      clearInterval(flushing)
      destination.flushSync()
    },
  }
}
