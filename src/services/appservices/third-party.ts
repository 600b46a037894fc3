import { notFound } from '../../matrix/errors.ts'
import { isObject, type Json, type JsonObject } from '../../matrix/json.ts'
import type { Clock } from '../../util/clock.ts'
import { lruCache } from '../../util/lru.ts'
import type { AppService } from './app-service.ts'
import type { AppServiceClient } from './app-service-client.ts'
import type { AppServices } from './app-services.ts'
import { instanceIdOf } from './networks.ts'

interface Deps {
  readonly clock: Clock
  readonly appServices: AppServices
  readonly client: AppServiceClient
}

/** What of a network is looked for. */
export type ThirdPartyKind = 'location' | 'user'

/** As its application service describes it, each instance with an id. */
type Protocol = JsonObject & { readonly instances: Json[] }

interface Described {
  readonly json: Protocol
  readonly until: number
}

const TIMEOUT_MS = 10_000
const DESCRIPTION_MS = 3_600_000
const MAX_DESCRIPTIONS = 1_000

/** Networks that application services connect, their rooms and their users (spec: Third-party networks). */
export class ThirdParty {
  readonly #deps: Deps
  readonly #descriptions = lruCache<string, Described>(MAX_DESCRIPTIONS)

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** All networks, by their names; those of which nothing can be learnt now are left out. */
  async protocols(): Promise<Record<string, JsonObject>> {
    const names = [...new Set(this.#deps.appServices.all.flatMap(({ protocols }) => protocols))]
    const found = await Promise.all(names.map(async (name) => [name, await this.#describe(name)] as const))
    return Object.fromEntries(found.flatMap(([name, json]) => (json ? [[name, json]] : [])))
  }

  /** Throws `M_NOT_FOUND`. */
  async protocol(name: string): Promise<JsonObject> {
    const json = await this.#describe(name)
    if (!json) throw notFound('There is no such network')
    return json
  }

  /** What of a network fits these fields, according to all who connect it. Throws `M_NOT_FOUND` for an unknown network. */
  find(kind: ThirdPartyKind, protocol: string, fields: URLSearchParams): Promise<Json[]> {
    const asked = this.#connecting(protocol)
    if (asked.length === 0) throw notFound('There is no such network')
    const path = `/thirdparty/${kind}/${encodeURIComponent(protocol)}`
    return this.#collect(asked, path, fields)
  }

  /** What of any network an alias or a user stands for. Throws `M_NOT_FOUND` when it is nothing. */
  async findBy(kind: ThirdPartyKind, key: 'alias' | 'userid', id: string): Promise<Json[]> {
    const asked = this.#deps.appServices.all.filter(({ protocols }) => protocols.length > 0)
    const found = await this.#collect(asked, `/thirdparty/${kind}`, new URLSearchParams({ [key]: id }))
    if (found.length === 0) throw notFound('This is of no other network')
    return found
  }

  /** A network as its application services describe it, with the instances of all of them. */
  async #describe(name: string): Promise<JsonObject | undefined> {
    const told = await Promise.all(this.#connecting(name).map((service) => this.#description(service, name)))
    const known = told.filter((json) => json !== undefined)
    const instances = known.flatMap((json) => json.instances)
    return known[0] && { ...known[0], instances }
  }

  async #description(service: AppService, protocol: string): Promise<Protocol | undefined> {
    const { clock } = this.#deps
    const key = `${service.id} ${protocol}`
    const known = this.#descriptions.get(key)
    if (known && known.until > clock.now()) return known.json
    const json = await this.#ask(service, `/thirdparty/protocol/${encodeURIComponent(protocol)}`)
    if (!isObject(json)) return undefined
    const described = { ...json, instances: instancesOf(service, json) }
    this.#descriptions.set(key, { json: described, until: clock.now() + DESCRIPTION_MS })
    return described
  }

  #connecting(protocol: string): AppService[] {
    return this.#deps.appServices.all.filter(({ protocols }) => protocols.includes(protocol))
  }

  async #collect(services: readonly AppService[], path: string, query: URLSearchParams): Promise<Json[]> {
    const found = await Promise.all(services.map((service) => this.#ask(service, path, query)))
    return found.flatMap((list) => (Array.isArray(list) ? list : []))
  }

  async #ask(service: AppService, path: string, query = new URLSearchParams()): Promise<Json | undefined> {
    if (service.url === undefined) return undefined
    const legacyPath = `/_matrix/app/unstable${path}`
    return this.#deps.client.find(service, { method: 'GET', path, legacyPath, query, timeoutMs: TIMEOUT_MS })
  }
}

/** Its instances, each with what tells it from those of other application services. */
const instancesOf = (service: AppService, { instances }: JsonObject): Json[] =>
  Array.isArray(instances)
    ? instances.map((instance) =>
        isObject(instance) && typeof instance.network_id === 'string'
          ? { ...instance, instance_id: instanceIdOf(service.id, instance.network_id) }
          : instance,
      )
    : []
