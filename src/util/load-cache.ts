import type { LRUCache } from 'lru-cache'
import { lruCache } from './lru.ts'

/**
 * Loads what is asked for, once for all who ask meanwhile, and keeps it until it changes. What changes while it is loaded
 * is not kept, nor is a load that fails.
 */
export class LoadCache<K extends {}, V> {
  readonly #load: (key: K) => Promise<V>
  readonly #kept: LRUCache<K, Promise<V>>

  constructor(max: number, load: (key: K) => Promise<V>) {
    this.#load = load
    this.#kept = lruCache<K, Promise<V>>(max)
  }

  get(key: K): Promise<V> {
    const kept = this.#kept.get(key)
    if (kept) return kept
    const loading = this.#load(key)
    this.#kept.set(key, loading)
    loading.catch(() => this.forget(key))
    return loading
  }

  /** Call after the commit that changes it. */
  forget(key: K): void {
    this.#kept.delete(key)
  }
}
