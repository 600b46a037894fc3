import type { Pool, PoolClient } from 'pg'
import type { Phrase } from '../../util/search-tokens.ts'
import type { PostgresConfig } from '../config.ts'
import { createPool } from '../postgres/pool.ts'
import {
  factTokens,
  INDEX_FORMAT,
  type IndexChange,
  type IndexPage,
  type IndexPlace,
  type IndexQuery,
  kindToken,
  MAX_RANKED,
  roomToken,
  type SearchDocument,
  type SearchHit,
  type SearchStore,
  senderToken,
} from './store.ts'

const SCHEMA = `
  create table search_place (format bigint not null, event_nid bigint not null, event_id text not null, again bigint not null);
  create table search_document (pos bigint primary key, nid bigint not null, room_nid bigint not null, length bigint not null, words tsvector not null);
  create index search_document_words on search_document using gin (words);`
const DROP = 'drop table if exists search_place, search_document'

/** Hits are looked for and counted side by side. */
const CONNECTIONS = 2

/** PostgreSQL knows no places of words behind this one. */
const MAX_PLACE = 16_383

/** The index in tables beside the others, by text search with words of our own making. */
export class PostgresSearchStore implements SearchStore {
  readonly #pool: Pool

  private constructor(pool: Pool) {
    this.#pool = pool
  }

  static async open(config: PostgresConfig): Promise<PostgresSearchStore> {
    const store = new PostgresSearchStore(createPool({ ...config, maxConnections: CONNECTIONS }))
    if ((await store.#format()) !== INDEX_FORMAT) await store.clear()
    return store
  }

  /** Removes the index that is there, if any. */
  static async remove(config: PostgresConfig): Promise<void> {
    const pool = createPool({ ...config, maxConnections: 1 })
    await pool.query(DROP).finally(() => pool.end())
  }

  async place(): Promise<IndexPlace | undefined> {
    const { rows } = await this.#pool.query<{ event_nid: number; event_id: string; again: number }>(
      'select * from search_place where event_nid > 0',
    )
    const [row] = rows
    return row && { eventNid: row.event_nid, eventId: row.event_id, again: row.again }
  }

  write({ place, documents, removed, closedRooms }: IndexChange): Promise<void> {
    return this.#transact(async (client) => {
      await client.query('delete from search_document where pos = any($1)', [
        [...removed, ...documents.map(({ pos }) => pos)],
      ])
      if (closedRooms.length > 0)
        await client.query('delete from search_document where room_nid = any($1)', [closedRooms])
      if (documents.length > 0) {
        await client.query(
          `insert into search_document (pos, nid, room_nid, length, words)
           select pos, nid, room_nid, length, words::tsvector
           from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[]) as d (pos, nid, room_nid, length, words)`,
          [
            documents.map(({ pos }) => pos),
            documents.map(({ nid }) => nid),
            documents.map(({ roomNid }) => roomNid),
            documents.map(({ tokens }) => tokens.length),
            documents.map(vectorText),
          ],
        )
      }
      const { eventNid, eventId, again } = place
      await client.query('update search_place set event_nid = $1, event_id = $2, again = $3', [
        eventNid,
        eventId,
        again,
      ])
    })
  }

  clear(): Promise<void> {
    return this.#transact(async (client) => {
      await client.query(DROP)
      await client.query(SCHEMA)
      await client.query(`insert into search_place values ($1, 0, '', 0)`, [INDEX_FORMAT])
    })
  }

  find(query: IndexQuery, { order, after, limit }: IndexPage): Promise<SearchHit[]> {
    const { length, pos } = after ?? { length: 0, pos: Number.MAX_SAFE_INTEGER }
    if (order === 'recent') {
      const sql = `select ${HIT} from (${CANDIDATES} and pos < $4 order by pos desc offset 0) as found
        where ${IS_HIT} order by pos desc limit $5`
      return this.#hits(sql, query, pos, limit)
    }
    const sql = `select ${HIT} from (
        select * from (${CANDIDATES} order by pos desc limit ${MAX_RANKED}) as latest
        where length > $4 or (length = $4 and pos < $5) order by length, pos desc offset 0) as found
      where ${IS_HIT} order by length, pos desc limit $6`
    return this.#hits(sql, query, length, pos, limit)
  }

  async count(query: IndexQuery, limit: number): Promise<number> {
    const { rows } = await this.#pool.query<{ n: number }>(
      `select count(*) as n from (select 1 from (${CANDIDATES} offset 0) as found where ${IS_HIT} limit $4) as counted`,
      [...paramsOf(query), limit],
    )
    return rows[0]?.n ?? 0
  }

  close(): Promise<void> {
    return this.#pool.end()
  }

  async #hits(sql: string, query: IndexQuery, ...params: number[]): Promise<SearchHit[]> {
    const { rows } = await this.#pool.query<{ pos: number; nid: number; room_nid: number; length: number }>(sql, [
      ...paramsOf(query),
      ...params,
    ])
    return rows.map((row) => ({ pos: row.pos, nid: row.nid, roomNid: row.room_nid, length: row.length }))
  }

  /** undefined: there is no index. */
  async #format(): Promise<number | undefined> {
    const { rows: tables } = await this.#pool.query<{ name: string | null }>(
      `select to_regclass('search_place') as name`,
    )
    if (tables[0]?.name === null) return undefined
    const { rows } = await this.#pool.query<{ format: number }>('select format from search_place')
    return rows[0]?.format
  }

  async #transact(work: (client: PoolClient) => Promise<void>): Promise<void> {
    const client = await this.#pool.connect()
    let failure: Error | undefined
    try {
      await client.query('begin')
      await work(client)
      await client.query('commit')
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error))
      throw error
    } finally {
      client.release(failure) // a connection that failed is not used again, which also rolls back
    }
  }
}

const HIT = 'pos, nid, room_nid, length'

/**
 * What has all the words, in the user's rooms. The index does not know where in a document words stand: whether they stand
 * together is asked last, and only of as many as are shown, in their order; `offset 0` has PostgreSQL keep to that. (Of
 * 1,000,000 documents, in 50 rooms, milliseconds: a word in all of them 8 instead of 125, four pairs in every hundredth 10
 * instead of 70.)
 */
const CANDIDATES = `select ${HIT}, words from search_document where words @@ $1::tsquery and room_nid = any($2)`
const IS_HIT = '($3::tsquery is null or ts_match_vq(words, $3::tsquery))'

const paramsOf = (query: IndexQuery) => [necessary(query), query.roomNids, exact(query)]

/** Looking for many rooms in the index costs more than looking at the room of each hit. */
const MAX_ROOMS = 4

/** Words consist of letters, digits and marks alone, so nothing in them needs escaping. */
const vectorText = (document: SearchDocument): string =>
  [
    ...factTokens(document).map(quoted),
    ...document.tokens.map((token, index) => `${quoted(token)}:${Math.min(index + 1, MAX_PLACE)}`),
  ].join(' ')

/** What every hit has. */
function necessary({ words, roomNids, senderNids, kinds }: IndexQuery): string {
  const conditions = words.map(tokensOfAll)
  if (kinds) conditions.push(anyOf(kinds.map((kind) => quoted(kindToken(kind)))))
  if (senderNids) conditions.push(anyOf(senderNids.map((nid) => quoted(senderToken(nid)))))
  if (roomNids.length <= MAX_ROOMS) conditions.push(anyOf(roomNids.map((nid) => quoted(roomToken(nid)))))
  return conditions.join(' & ')
}

/**
 * What a text has that has any of these phrases: at each place, a token that one of them has there. (The phrases of a word
 * differ in one token each. Asked for one by one, they take the index twice as long.)
 */
function tokensOfAll(phrases: readonly Phrase[]): string {
  const places = Math.min(...phrases.map(({ tokens }) => tokens.length))
  const at = (place: number) => anyOf([...new Set(phrases.map((phrase) => tokenText(phrase, place)))])
  return phrases.length === 0 ? anyOf([]) : Array.from({ length: places }, (_, place) => at(place)).join(' & ')
}

/** What candidates must have to be hits; null: they are. */
const exact = ({ words }: IndexQuery): string | null =>
  words.every((phrases) => phrases.every(({ tokens }) => tokens.length === 1))
    ? null
    : words.map((phrases) => anyOf(phrases.map(phraseText))).join(' & ')

const phraseText = (phrase: Phrase): string => phrase.tokens.map((_, place) => tokenText(phrase, place)).join(' <-> ')
const tokenText = ({ tokens, isPrefix }: Phrase, place: number): string =>
  `${quoted(tokens[place] ?? '')}${isPrefix && place === tokens.length - 1 ? ':*' : ''}`

const quoted = (token: string): string => `'${token}'`
/** Nothing is found where nobody is to be looked at. */
const anyOf = (expressions: readonly string[]): string =>
  expressions.length === 0 ? quoted('§') : `(${expressions.map((expression) => `(${expression})`).join(' | ')})`
