import type { RoomAlias, UserId } from '../../matrix/ids.ts'
import { findAccount } from '../../storage/accounts/accounts.ts'
import type { Db } from '../../storage/db.ts'
import { type AppService, isWithin } from './app-service.ts'
import type { AppServiceClient } from './app-service-client.ts'
import type { AppServices } from './app-services.ts'

interface Deps {
  readonly db: Db
  readonly appServices: AppServices
  readonly client: AppServiceClient
}

/** Somebody waits for it, who wants to invite or to join. */
const TIMEOUT_MS = 10_000

/**
 * Asks application services for users and rooms that are not there yet; they make them before they answer (spec:
 * application service API, Querying).
 */
export class AppServiceQueries {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Has the user made, where an application service has it and knows of it. */
  async ensureUser(userId: UserId): Promise<void> {
    const { db, appServices } = this.#deps
    const asked = appServices.ofUser(userId)
    if (asked.length === 0 || (await findAccount(db, userId))) return
    await this.#ask(asked, `/users/${encodeURIComponent(userId)}`)
  }

  /** Has a room made that the alias leads to; whether there is one now. */
  ensureAlias(alias: RoomAlias): Promise<boolean> {
    const asked = this.#deps.appServices.all.filter((service) => isWithin(alias, service.aliases))
    return this.#ask(asked, `/rooms/${encodeURIComponent(alias)}`)
  }

  /** Asks one after the other until one says yes. */
  async #ask(services: readonly AppService[], path: string): Promise<boolean> {
    for (const service of services) {
      const asked = { method: 'GET', path, legacyPath: path, timeoutMs: TIMEOUT_MS } as const
      if (service.url !== undefined && (await this.#deps.client.find(service, asked)) !== undefined) return true
    }
    return false
  }
}
