import * as table from '../../storage/accounts/user-directory.ts'
import type { Tx } from '../../storage/db.ts'
import { indexTerms } from './search-terms.ts'

/** Puts a user into the directory, or brings the entry up to date, with what can be searched for. */
export async function indexUser(tx: Tx, user: table.DirectoryUser): Promise<void> {
  const before = await table.findUser(tx, user.userNid)
  if (before && isSame(before, user)) return
  const old = before ? indexTerms(before) : new Set<string>()
  const terms = indexTerms(user)
  await table.deleteTerms(tx, user.userNid, without(old, terms))
  await table.insertTerms(tx, user.userNid, without(terms, old))
  await table.upsertUser(tx, user)
}

const isSame = (a: table.DirectoryUser, b: table.DirectoryUser): boolean =>
  a.displayName === b.displayName && a.avatarUrl === b.avatarUrl && a.details === b.details

const without = (terms: ReadonlySet<string>, others: ReadonlySet<string>): string[] =>
  [...terms].filter((term) => !others.has(term))

/** Takes a user out of the directory. */
export async function unindexUser(tx: Tx, userNid: number): Promise<void> {
  const before = await table.findUser(tx, userNid)
  if (!before) return
  await table.deleteTerms(tx, userNid, [...indexTerms(before)])
  await table.deleteUser(tx, userNid)
}
