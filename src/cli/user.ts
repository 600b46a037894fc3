import { Command } from 'commander'
import { z } from 'zod'
import { withServer } from './local-client.ts'
import type { Terminal } from './terminal.ts'

const PATH = '/local/v1/users'
const PAGE = 1000
const madeUser = z.object({ user_id: z.string() })
const userPage = z.object({
  users: z.array(
    z.object({
      user_id: z.string(),
      admin: z.boolean(),
      guest: z.boolean(),
      deactivated: z.boolean(),
      locked: z.boolean(),
      created_ts: z.number(),
    }),
  ),
})
type ListedUser = z.output<typeof userPage>['users'][number]

/** `bongsu user …` */
export function userCommands(configFile: () => string, terminal: Terminal): Command {
  const changeEmail = async (what: string, name: string, address: string): Promise<string> => {
    const path = `${PATH}/${encodeURIComponent(name)}/${what}`
    return madeUser.parse(await withServer(configFile(), terminal, (ask) => ask('POST', path, { address }))).user_id
  }
  const user = new Command('user').description('the accounts of this server')
  user
    .command('create <name>')
    .description('make an account; the password is asked for, or read from standard input')
    .option('--admin', 'an administrator of the server', false)
    .action(async (name: string, { admin }: { admin: boolean }) => {
      const password = await terminal.readPassword()
      const made = await withServer(configFile(), terminal, (ask) => ask('POST', PATH, { name, password, admin }))
      terminal.print(`${madeUser.parse(made).user_id} was made.`)
    })
  user
    .command('list')
    .description('all accounts, one a line')
    .action(() => listUsers(configFile(), terminal))
  user
    .command('set-password <name>')
    .description('give an account another password, and end its logins')
    .option('--keep-logins', 'let it stay logged in where it is', false)
    .action(async (name: string, { keepLogins }: { keepLogins: boolean }) => {
      const body = { password: await terminal.readPassword(), keep_logins: keepLogins }
      const path = `${PATH}/${encodeURIComponent(name)}/password`
      const changed = await withServer(configFile(), terminal, (ask) => ask('PUT', path, body))
      terminal.print(`${madeUser.parse(changed).user_id} has a new password.`)
    })
  user
    .command('add-email <name> <address>')
    .description('give an account a mail address, by which its user can reset the password and log in')
    .action(async (name: string, address: string) => {
      const changed = await changeEmail('email', name, address)
      terminal.print(`${changed} has the address.`)
    })
  user
    .command('remove-email <name> <address>')
    .description('take a mail address away from an account')
    .action(async (name: string, address: string) => {
      const changed = await changeEmail('email/remove', name, address)
      terminal.print(`${changed} does not have the address.`)
    })
  user
    .command('deactivate <name>')
    .description('end an account for good: its logins, its password, its place in rooms')
    .option('--erase', 'also hide what it wrote from people who were not there at the time', false)
    .action(async (name: string, { erase }: { erase: boolean }) => {
      const path = `${PATH}/${encodeURIComponent(name)}/deactivate`
      const ended = await withServer(configFile(), terminal, (ask) => ask('POST', path, { erase }))
      terminal.print(`${madeUser.parse(ended).user_id} is deactivated.`)
    })
  return user
}

async function listUsers(configFile: string, terminal: Terminal): Promise<void> {
  await withServer(configFile, terminal, async (ask) => {
    for (let after = ''; ; ) {
      const { users } = userPage.parse(await ask('GET', `${PATH}?limit=${PAGE}&after=${encodeURIComponent(after)}`))
      for (const user of users) terminal.print(lineOf(user))
      if (users.length < PAGE) return
      after = users.at(-1)?.user_id ?? ''
    }
  })
}

function lineOf({ user_id: userId, created_ts: created, ...flags }: ListedUser): string {
  const set = Object.entries(flags).flatMap(([name, isSet]) => (isSet ? [name] : []))
  return [userId, new Date(created).toISOString().slice(0, 10), ...set].join('  ')
}
