import { Command } from 'commander'
import { z } from 'zod'
import { withServer } from './local-client.ts'
import type { Terminal } from './terminal.ts'

const PAGE = 1000
const sent = z.object({ user_id: z.string() })
const userPage = z.object({
  users: z.array(
    z.object({ user_id: z.string(), guest: z.boolean(), type: z.string().nullable(), deactivated: z.boolean() }),
  ),
})

/** `bongsu notice …` */
export function noticeCommands(configFile: () => string, terminal: Terminal): Command {
  const notice = new Command('notice').description('what the server tells its users')
  notice
    .command('send <user> <text>')
    .description('tell one user something, in a room that is made for it')
    .action(async (user: string, text: string) => {
      const told = await withServer(configFile(), terminal, (ask) => ask('POST', '/local/v1/notices', { user, text }))
      terminal.print(`${sent.parse(told).user_id} was told.`)
    })
  notice
    .command('send-all <text>')
    .description('tell every user, one after the other; guests and bots are left out')
    .action((text: string) => tellAll(configFile(), terminal, text))
  return notice
}

async function tellAll(configFile: string, terminal: Terminal, text: string): Promise<void> {
  await withServer(configFile, terminal, async (ask) => {
    let count = 0
    for (let after = ''; ; ) {
      const path = `/local/v1/users?limit=${PAGE}&after=${encodeURIComponent(after)}`
      const { users } = userPage.parse(await ask('GET', path))
      for (const { user_id: user, guest, type, deactivated } of users) {
        if (guest || deactivated || type === 'bot') continue
        await ask('POST', '/local/v1/notices', { user, text })
        count++
      }
      if (users.length < PAGE) break
      after = users.at(-1)?.user_id ?? ''
    }
    terminal.print(`${count} users were told.`)
  })
}
