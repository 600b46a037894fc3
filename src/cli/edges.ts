import { randomBytes } from 'node:crypto'
import { type Logger, pino } from 'pino'
import { systemNetwork } from '../outbound/network.ts'
import type { Edges } from '../server.ts'
import { systemClock } from '../util/clock.ts'
import type { Terminal } from './terminal.ts'

const silent: Logger = pino({ level: 'silent' })

/** The real clock and real randomness; without a server's log, commands are quiet. */
export const edgesOf = (terminal: Terminal, log: Logger = silent): Edges => ({
  clock: systemClock,
  random: randomBytes,
  network: systemNetwork(),
  log,
  onFatal: (error) => terminal.note(`The database failed: ${error instanceof Error ? error.message : error}`),
})
