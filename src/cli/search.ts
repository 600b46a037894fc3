import { Command } from 'commander'
import { withServer } from './local-client.ts'
import type { Terminal } from './terminal.ts'

/** `bongsu search …` */
export function searchCommands(configFile: () => string, terminal: Terminal): Command {
  const search = new Command('search').description('the index by which messages are found')
  search
    .command('rebuild')
    .description('throw it away and make it anew, in the background')
    .action(async () => {
      await withServer(configFile(), terminal, (ask) => ask('POST', '/local/v1/search/rebuild', {}))
      terminal.print('The index is being made anew; until it is there, not everything is found.')
    })
  return search
}
