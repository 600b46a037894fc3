import { Command } from 'commander'
import { z } from 'zod'
import { listCommands } from './federation-list.ts'
import { withServer } from './local-client.ts'
import type { Terminal } from './terminal.ts'

const destinations = z.object({
  destinations: z.array(
    z.object({
      server: z.string(),
      state: z.enum(['well', 'failing']),
      waiting_events: z.number(),
      waiting_others: z.number(),
      lag_ms: z.number(),
      last_success_ts: z.number().nullable(),
      failures: z.number(),
      retry_ts: z.number().nullable(),
      last_error: z.string().nullable(),
    }),
  ),
})
type Destination = z.output<typeof destinations>['destinations'][number]

/** `bongsu federation …` */
export function federationCommands(configFile: () => string, terminal: Terminal): Command {
  const federation = new Command('federation').description('other servers')
  federation
    .command('status [server]')
    .description('what waits for other servers, and why')
    .action((server: string | undefined) => showStatus(configFile(), server, terminal))
  federation.addCommand(listCommands(terminal))
  return federation
}

async function showStatus(configFile: string, server: string | undefined, terminal: Terminal): Promise<void> {
  const query = server === undefined ? '' : `?server=${encodeURIComponent(server)}`
  const answer = await withServer(configFile, terminal, (ask) =>
    ask('GET', `/local/v1/federation/destinations${query}`),
  )
  const found = destinations.parse(answer).destinations
  if (found.length === 0)
    terminal.note(server === undefined ? 'Nothing was ever sent to another server.' : 'Nothing was ever sent there.')
  for (const destination of found) terminal.print(lineOf(destination))
}

function lineOf({ server, state, ...rest }: Destination): string {
  const time = (ts: number | null) => (ts === null ? 'never' : new Date(ts).toISOString())
  const parts = [
    server,
    state,
    `${rest.waiting_events} events and ${rest.waiting_others} others wait`,
    `lag ${Math.round(rest.lag_ms / 1000)} s`,
    `last success ${time(rest.last_success_ts)}`,
  ]
  if (rest.failures > 0) parts.push(`${rest.failures} failures, next try ${time(rest.retry_ts)}: ${rest.last_error}`)
  return parts.join('  ')
}
