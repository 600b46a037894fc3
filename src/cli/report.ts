import { Command } from 'commander'
import { z } from 'zod'
import { withServer } from './local-client.ts'
import type { Terminal } from './terminal.ts'

const PAGE = 1000
const reportPage = z.object({
  reports: z.array(
    z.object({
      id: z.number(),
      reporter: z.string(),
      room_id: z.string().nullable(),
      event_id: z.string().nullable(),
      user_id: z.string().nullable(),
      reason: z.string(),
      received_ts: z.number(),
    }),
  ),
})
type Report = z.output<typeof reportPage>['reports'][number]

/** `bongsu report …` */
export function reportCommands(configFile: () => string, terminal: Terminal): Command {
  const report = new Command('report').description('what users have reported')
  report
    .command('list')
    .description('all reports, oldest first, one a line')
    .action(() => listReports(configFile(), terminal))
  return report
}

async function listReports(configFile: string, terminal: Terminal): Promise<void> {
  await withServer(configFile, terminal, async (ask) => {
    for (let after = 0; ; ) {
      const { reports } = reportPage.parse(await ask('GET', `/local/v1/reports?limit=${PAGE}&after=${after}`))
      for (const report of reports) terminal.print(reportLine(report))
      if (reports.length < PAGE) return
      after = reports.at(-1)?.id ?? after
    }
  })
}

/** One line. */
export function reportLine({ received_ts: received, reporter, room_id, event_id, user_id, reason }: Report): string {
  const what = [user_id, room_id, event_id].filter((id) => id !== null).join(' ')
  return [new Date(received).toISOString(), reporter, what, quoted(reason)].join('  ')
}

/** A stranger's text: it stays on its line, and sends nothing to the terminal. */
const quoted = (text: string): string => JSON.stringify(text).replace(/\p{C}/gu, '�')
