import { Command } from 'commander'
import { z } from 'zod'
import { duration } from '../config/units.ts'
import { withServer } from './local-client.ts'
import { CommandFailed, type Terminal } from './terminal.ts'

const PATH = '/local/v1/media'
const changed = z.object({ changed: z.boolean() })
const deleted = z.object({ files: z.number(), bytes: z.number() })
const MIB = 1024 * 1024

interface PurgeOptions {
  readonly copies?: boolean
  readonly uploads?: boolean
  readonly olderThan: string
}

/** `bongsu media …` */
export function mediaCommands(configFile: () => string, terminal: Terminal): Command {
  const ask = (what: string, body: object) =>
    withServer(configFile(), terminal, (send) => send('POST', `${PATH}/${what}`, body))
  const media = new Command('media').description('files and pictures')
  media
    .command('quarantine <address>')
    .description('let nobody get a file (mxc://…) any more, under whatever address it is sent again')
    .action(async (address: string) => {
      const isNew = changed.parse(await ask('quarantine', { address })).changed
      terminal.print(isNew ? `${address} is in quarantine.` : `${address} was in quarantine already.`)
    })
  media
    .command('release <address>')
    .description('end the quarantine of a file')
    .action(async (address: string) => {
      const wasThere = changed.parse(await ask('release', { address })).changed
      terminal.print(wasThere ? `${address} is out of quarantine.` : `${address} was not in quarantine.`)
    })
  media
    .command('delete <address>')
    .description('delete a file for good, or the copy of a file of another server')
    .action(async (address: string) => {
      const { files } = deleted.parse(await ask('delete', { address }))
      if (files === 0) throw new CommandFailed(`There is no ${address} here.`)
      terminal.print(`${address} is deleted.`)
    })
  media
    .command('purge')
    .description('delete old files')
    .option(
      '--copies',
      'copies of other servers’ files that nobody asked for so long; they are fetched again when needed',
    )
    .option('--uploads', 'what was uploaded here, for good; the pictures that users show of themselves stay')
    .requiredOption('--older-than <time>', 'such as 90d or 52w')
    .action(async ({ copies, uploads, olderThan }: PurgeOptions) => {
      const age = duration.safeParse(olderThan)
      if (!age.success) throw new CommandFailed('--older-than must be a length of time such as 90d or 52w.')
      if (copies === uploads) throw new CommandFailed('Say what to delete: --copies or --uploads.')
      const body = { what: copies ? 'copies' : 'uploads', older_than_ms: age.data }
      const { files, bytes } = deleted.parse(await ask('purge', body))
      terminal.print(`${files} files are deleted (${Math.round(bytes / MIB)} MiB).`)
    })
  return media
}
