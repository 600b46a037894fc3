import type { Config } from '../config/schema.ts'
import { Pushers } from '../services/pushers/pushers.ts'
import type { Ground } from './ground.ts'

/** Push notifications: where they go, and sending them there. */
export function composePushers(config: Config, { db, clock, stream }: Ground) {
  const pushers = new Pushers({ db, clock, stream, allowsPlainHttp: config.push.plain_http, onSet: () => {} })
  return { pushers }
}
