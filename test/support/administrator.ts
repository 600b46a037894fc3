import type { User } from './client.ts'
import type { TestServer } from './server.ts'

const PASSWORD = 'an administrator’s password'

/** An account such as `bongsu user create --admin` makes, logged in. */
export async function administrator({ client, server }: TestServer, username = 'admin'): Promise<User> {
  await server.services.accounts.createWithPassword(username, PASSWORD, true)
  return client.login(username, PASSWORD)
}
