import type { LRUCache } from 'lru-cache'
import { lruCache } from './lru.ts'

/**
 * Loads what is asked for, once for all who ask meanwhile, and keeps it until it changes. What changes while it is loaded
 * is not kept, nor is a load that fails.
 */
export class LoadCache<K extends {}, V> {
  readonly #load: (key: K) => Promise<V>
  readonly #weigh: (value: V) => number
  readonly #kept: LRUCache<K, Promise<V>>

  /** Keeps what weighs `max` together; `weigh` is for values of which one may be a thousand times as large as another. */
  constructor(max: number, load: (key: K) => Promise<V>, weigh: (value: V) => number = () => 1) {
    this.#load = load
    this.#weigh = weigh
    this.#kept = lruCache<K, Promise<V>>(max)
  }

  get(key: K): Promise<V> {
    const kept = this.#kept.get(key)
    if (kept) return kept
    const loading = this.#load(key)
    this.#kept.set(key, loading)
    loading.then(
      (value) => this.#settle(key, loading, this.#weigh(value)),
      () => this.forget(key),
    )
    return loading
  }

  /** Call after the commit that changes it. */
  forget(key: K): void {
    this.#kept.delete(key)
  }

  /** What is on its way weighs as little as may be: only now it is known. */
  #settle(key: K, loading: Promise<V>, weight: number): void {
    if (weight === 1 || this.#kept.peek(key) !== loading) return
    // Setting the same value again would not weigh it again.
    this.#kept.delete(key)
    this.#kept.set(key, loading, { size: weight })
  }
}
