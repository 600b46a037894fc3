import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { User } from './client.ts'

export const AS_TOKEN = 'as-token'
export const HS_TOKEN = 'hs-token'

/** Writes the registration of a bridge to a network called `irc`, whose users, aliases and rooms are its own. */
export function writeRegistration(directory: string, changes: object = {}): string {
  const file = join(directory, 'registration.yaml')
  const registration = {
    id: 'irc',
    url: null,
    as_token: AS_TOKEN,
    hs_token: HS_TOKEN,
    sender_localpart: 'irc-bot',
    namespaces: {
      users: [{ exclusive: true, regex: '@irc_.*' }],
      aliases: [{ exclusive: true, regex: '#irc_.*' }],
      rooms: [],
    },
    ...changes,
  }
  writeFileSync(file, stringify(registration))
  return file
}

/** The application service acting as one of its users. */
export class Ghost extends User {
  constructor(url: string, userId: string) {
    super(url, AS_TOKEN, userId, '')
  }

  override request(...[method, path, ...rest]: Parameters<User['request']>): ReturnType<User['request']> {
    const mark = path.includes('?') ? '&' : '?'
    return super.request(method, `${path}${mark}user_id=${encodeURIComponent(this.userId)}`, ...rest)
  }
}
