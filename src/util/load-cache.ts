import type { LRUCache } from 'lru-cache'
import type { Awaitable } from './awaitable.ts'
import { lruCache } from './lru.ts'

/**
 * Loads what is asked for, once for all who ask meanwhile, and keeps it until it changes. What changes while it is loaded
 * is not kept, nor is a load that fails.
 */
export class LoadCache<K extends {}, V extends {}> {
  readonly #load: (key: K) => Promise<V>
  readonly #weigh: (value: V) => number
  readonly #kept: LRUCache<K, Awaitable<V>>

  /** Keeps what weighs `max` together; `weigh` is for values of which one may be a thousand times as large as another. */
  constructor(max: number, load: (key: K) => Promise<V>, weigh: (value: V) => number = () => 1) {
    this.#load = load
    this.#weigh = weigh
    this.#kept = lruCache<K, Awaitable<V>>(max)
  }

  get(key: K): Awaitable<V> {
    const kept = this.#kept.get(key)
    if (kept !== undefined) return kept
    const loading = this.#load(key)
    this.#kept.set(key, loading)
    loading.then(
      (value) => this.#settle(key, loading, value),
      () => this.#settle(key, loading, undefined),
    )
    return loading
  }

  /** Call after the commit that changes it. */
  forget(key: K): void {
    this.#kept.delete(key)
  }

  /**
   * Puts what `edit` makes of the value in its place, where it is kept; what is being loaded is not, for nobody knows whether
   * it was read before or after. Call after the commit.
   */
  update(key: K, edit: (value: V) => V): void {
    const kept = this.#kept.peek(key)
    this.#kept.delete(key)
    if (kept !== undefined && !(kept instanceof Promise)) this.#keep(key, edit(kept))
  }

  /** The value takes the place of its promise; its weight is known only now. */
  #settle(key: K, loading: Promise<V>, value: V | undefined): void {
    if (this.#kept.peek(key) !== loading) return
    this.#kept.delete(key)
    if (value !== undefined) this.#keep(key, value)
  }

  #keep(key: K, value: V): void {
    this.#kept.set(key, value, { size: this.#weigh(value) })
  }
}
