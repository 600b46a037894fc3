import { lruCache } from '../../util/lru.ts'

const translated = lruCache<string, string>(2_000)

/** `?` placeholders as PostgreSQL counts them: `$1`, `$2` … No statement of ours has a question mark in a literal. */
export function numberPlaceholders(sql: string): string {
  let numbered = translated.get(sql)
  if (numbered === undefined) {
    let count = 0
    numbered = sql.replace(/\?/g, () => `$${++count}`)
    translated.set(sql, numbered)
  }
  return numbered
}
