import { Command, CommanderError } from 'commander'
import { ConfigMistakes } from '../config/mistakes.ts'
import { MatrixError } from '../matrix/errors.ts'
import { version } from '../util/version.ts'
import { checkConfig } from './config-check.ts'
import { doctor } from './doctor.ts'
import { federationCommands } from './federation.ts'
import { initialise } from './init.ts'
import { keyCommands } from './key.ts'
import { checkHealth } from './local-client.ts'
import { mediaCommands } from './media.ts'
import { migrateDatabase } from './migrate.ts'
import { noticeCommands } from './notice.ts'
import { reportCommands } from './report.ts'
import { searchCommands } from './search.ts'
import { startServer } from './start.ts'
import { CommandFailed, type Terminal } from './terminal.ts'
import { userCommands } from './user.ts'

/** What commands get from the process. */
export interface Surroundings {
  readonly terminal: Terminal
  /** Aborts when the process is asked to end. */
  readonly stop: AbortSignal
  readonly defaults: { readonly configFile: string }
}

/** Runs the command of an `argv` and returns the exit code. */
export async function runCommand(argv: readonly string[], surroundings: Surroundings): Promise<number> {
  const { terminal } = surroundings
  try {
    await program(surroundings).parseAsync([...argv])
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode // commander has said what was wrong
    if (!isForPeople(error)) throw error
    terminal.note(error.message)
    return 1
  }
}

function program({ terminal, stop, defaults }: Surroundings): Command {
  const root = new Command('bongsu')
    .description('A Matrix homeserver that a government office runs itself')
    .version(version)
    .option('-c, --config <file>', 'the configuration', defaults.configFile)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.print(text.trimEnd()),
      writeErr: (text) => terminal.note(text.trimEnd()),
    })
  const configFile = () => root.opts<{ config: string }>().config
  root
    .command('start')
    .description('run the server; without a configuration, a trial server is made')
    .action(() => startServer(configFile(), { terminal, stop, mayInitialise: configFile() === defaults.configFile }))
  root
    .command('init')
    .description('make the configuration and the key of a new server')
    .requiredOption('--server-name <name>', 'the part of every user id behind the colon; it can never change')
    .option('--public-url <url>', 'where clients will reach the server')
    .option('--listen <address:port>', 'where to listen for clients', '127.0.0.1:8008')
    .action((options) => initialise(configFile(), options, terminal))
  root.addCommand(userCommands(configFile, terminal))
  root.addCommand(reportCommands(configFile, terminal))
  root.addCommand(searchCommands(configFile, terminal))
  root.addCommand(mediaCommands(configFile, terminal))
  root.addCommand(noticeCommands(configFile, terminal))
  root.addCommand(keyCommands(configFile, terminal))
  root.addCommand(federationCommands(configFile, terminal))
  root
    .command('config')
    .description('the configuration')
    .command('check')
    .description('print every mistake of the configuration')
    .action(() => checkConfig(configFile(), terminal))
  root
    .command('migrate')
    .description('bring the tables of the database up to date, without starting the server')
    .action(() => migrateDatabase(configFile(), terminal))
  root
    .command('doctor')
    .description('check configuration, database, key, clock, disk, ports and mail')
    .action(() => doctor(configFile(), terminal))
  root
    .command('health')
    .description('ask the running server whether it can serve')
    .action(() => checkHealth(configFile(), terminal))
  return root
}

/** Errors whose message says what is wrong to whoever typed the command; anything else is a bug and shows its stack. */
function isForPeople(error: unknown): error is Error {
  if (!(error instanceof Error)) return false
  if (error instanceof CommandFailed || error instanceof ConfigMistakes || error instanceof MatrixError) return true
  return FOR_PEOPLE.has(error.name) || ('code' in error && typeof error.code === 'string' && error.code.startsWith('E'))
}

/** Of storage, which the command line does not import. */
const FOR_PEOPLE = new Set(['DatabaseTooNew', 'DatabaseUnsuitable', 'DatabaseInUse', 'ForeignDatabase'])
