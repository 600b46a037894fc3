import type { LRUCache } from 'lru-cache'
import type { AccessTokenOwner } from '../../../storage/accounts/tokens.ts'
import { lruCache } from '../../../util/lru.ts'

/** An access token's owner in memory, and when the device's last sighting was noted. */
export interface Held {
  readonly owner: AccessTokenOwner & { readonly deviceNid: number }
  notedTs: number
}

/** Owners of access tokens in use, bounded. The service that ends tokens also drops them here. */
export class TokenCache {
  readonly #byToken: LRUCache<string, Held>
  readonly #ofUser = new Map<number, Set<string>>()
  #generation = 0

  constructor(maxTokens: number) {
    this.#byToken = lruCache(maxTokens, { dispose: ({ owner }, token) => this.#unlink(owner.userNid, token) })
  }

  /** Changes whenever anything is dropped: what was read before that must not be put. */
  get generation(): number {
    return this.#generation
  }

  get(token: string): Held | undefined {
    return this.#byToken.get(token)
  }

  put(token: string, held: Held, generation: number): void {
    if (generation !== this.#generation) return
    this.#byToken.set(token, held)
    const { userNid } = held.owner
    const tokens = this.#ofUser.get(userNid)
    if (tokens) tokens.add(token)
    else this.#ofUser.set(userNid, new Set([token]))
  }

  dropUser(userNid: number): void {
    this.#drop(userNid, () => true)
  }

  dropDevices(userNid: number, deviceNids: readonly number[]): void {
    this.#drop(userNid, ({ owner }) => deviceNids.includes(owner.deviceNid))
  }

  #drop(userNid: number, isMeant: (held: Held) => boolean): void {
    this.#generation++
    for (const token of [...(this.#ofUser.get(userNid) ?? [])]) {
      const held = this.#byToken.peek(token)
      if (held && isMeant(held)) this.#byToken.delete(token)
    }
  }

  #unlink(userNid: number, token: string): void {
    const tokens = this.#ofUser.get(userNid)
    tokens?.delete(token)
    if (tokens?.size === 0) this.#ofUser.delete(userNid)
  }
}
