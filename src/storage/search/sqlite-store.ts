import { rmSync } from 'node:fs'
import Database from 'better-sqlite3'
import type { Phrase } from '../../util/search-tokens.ts'
import { Statements } from '../sqlite/statements.ts'
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
  type SearchHit,
  type SearchStore,
  senderToken,
} from './store.ts'

const CACHE_KIB = 8 * 1024
/** 16 MiB. */
const CHECKPOINT_PAGES = 4_096
const AT_ONCE = 500
/** Rooms that the index itself tells apart; of those who are in more, each hit is looked at. */
const MAX_ROOMS = 64

// The tokenizer leaves every character alone that is not ASCII, and cuts at blanks: the texts come cut up. `prefix` is for
// searching by one syllable: without it, the lists of all pairs that begin so are merged first (of a syllable in every one of
// 1,000,000 messages: 70 ms instead of 5).
const SCHEMA = `
  create table place (id integer primary key, event_nid integer not null, event_id text not null, again integer not null);
  create table document (pos integer primary key, nid integer not null, room_nid integer not null, length integer not null);
  create virtual table word using fts5(text, content='', contentless_delete=1, tokenize='ascii', prefix='1');
  pragma user_version = ${INDEX_FORMAT};`

/**
 * The index in a file of its own, by FTS5: so that its writing never has the server's own commits wait. What a power cut
 * takes from its end is indexed again.
 */
export class SqliteSearchStore implements SearchStore {
  readonly #path: string
  #statements: Statements

  constructor(path: string) {
    this.#path = path
    this.#statements = open(path)
  }

  async place(): Promise<IndexPlace | undefined> {
    const [row] = this.#rows<{ event_nid: number; event_id: string; again: number }>('select * from place where id = 1')
    return row && { eventNid: row.event_nid, eventId: row.event_id, again: row.again }
  }

  async write({ place, documents, removed, closedRooms }: IndexChange): Promise<void> {
    const { database } = this.#statements
    database.exec('begin immediate')
    try {
      this.#remove([...removed, ...documents.map(({ pos }) => pos)])
      for (const roomNid of closedRooms) this.#removeRoom(roomNid)
      for (const document of documents) {
        const { pos, nid, roomNid, tokens } = document
        this.#run(
          'insert into document (pos, nid, room_nid, length) values (?, ?, ?, ?)',
          pos,
          nid,
          roomNid,
          tokens.length,
        )
        this.#run('insert into word (rowid, text) values (?, ?)', pos, [...factTokens(document), ...tokens].join(' '))
      }
      this.#run(
        'insert or replace into place (id, event_nid, event_id, again) values (1, ?, ?, ?)',
        place.eventNid,
        place.eventId,
        place.again,
      )
      database.exec('commit')
    } catch (error) {
      if (database.inTransaction) database.exec('rollback')
      throw error
    }
  }

  async clear(): Promise<void> {
    this.#statements.database.close()
    removeFiles(this.#path)
    this.#statements = open(this.#path)
  }

  async find(query: IndexQuery, { order, after, limit }: IndexPage): Promise<SearchHit[]> {
    const { sql, params } = hitsOf(query)
    if (order === 'recent') {
      const before = after?.pos ?? Number.MAX_SAFE_INTEGER
      return this.#hits(`${sql} and word.rowid < ? order by word.rowid desc limit ?`, ...params, before, limit)
    }
    const { length, pos } = after ?? { length: 0, pos: 0 }
    return this.#hits(
      `select * from (${sql} order by word.rowid desc limit ${MAX_RANKED}) where length > ? or (length = ? and pos < ?)
       order by length, pos desc limit ?`,
      ...params,
      length,
      length,
      pos,
      limit,
    )
  }

  async count(query: IndexQuery, limit: number): Promise<number> {
    const { sql, params } = hitsOf(query)
    const [row] = this.#rows<{ n: number }>(`select count(*) as n from (${sql} limit ?)`, ...params, limit)
    return row?.n ?? 0
  }

  async close(): Promise<void> {
    this.#statements.database.close()
  }

  #remove(positions: readonly number[]): void {
    for (const pos of positions) {
      if (this.#run('delete from document where pos = ?', pos) > 0) this.#run('delete from word where rowid = ?', pos)
    }
  }

  #removeRoom(roomNid: number): void {
    for (;;) {
      const sql = `select rowid as pos from word where word match ? limit ${AT_ONCE}`
      const found = this.#rows<{ pos: number }>(sql, quoted(roomToken(roomNid)))
      if (found.length === 0) return
      this.#remove(found.map(({ pos }) => pos))
    }
  }

  #hits(sql: string, ...params: (string | number)[]): SearchHit[] {
    return this.#rows<{ pos: number; nid: number; room_nid: number; length: number }>(sql, ...params).map((row) => ({
      pos: row.pos,
      nid: row.nid,
      roomNid: row.room_nid,
      length: row.length,
    }))
  }

  #rows<Row>(sql: string, ...params: (string | number)[]): Row[] {
    return this.#statements.rows(sql, params) as Row[]
  }

  #run(sql: string, ...params: (string | number)[]): number {
    return this.#statements.run(sql, params)
  }
}

function open(path: string): Statements {
  try {
    return connect(path)
  } catch (error) {
    // Damaged, or of another format: it can be made anew.
    if (!(error instanceof Database.SqliteError || error instanceof ForeignFormat)) throw error
    removeFiles(path)
    return connect(path)
  }
}

class ForeignFormat extends Error {}

function connect(path: string): Statements {
  const database = new Database(path)
  try {
    database.pragma('journal_mode = wal')
    database.pragma('synchronous = normal')
    // Each checkpoint syncs the file, which the server's own syncs wait for: seldom, then.
    database.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
    database.pragma(`cache_size = -${CACHE_KIB}`)
    const format = database.pragma('user_version', { simple: true })
    if (format === 0) database.exec(`begin; ${SCHEMA} commit`)
    else if (format !== INDEX_FORMAT) throw new ForeignFormat()
    return new Statements(database)
  } catch (error) {
    database.close()
    throw error
  }
}

/** Removes the index that is there, if any. */
export function removeFiles(path: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true })
}

/** `select` of all hits, open for more conditions. */
function hitsOf({ words, roomNids, senderNids, kinds }: IndexQuery): { sql: string; params: (string | number)[] } {
  const conditions = words.map((phrases) => anyOf(phrases.map(phraseText)))
  if (kinds) conditions.push(anyOf(kinds.map((kind) => quoted(kindToken(kind)))))
  if (senderNids) conditions.push(anyOf(senderNids.map((nid) => quoted(senderToken(nid)))))
  const isFew = roomNids.length <= MAX_ROOMS
  if (isFew) conditions.push(anyOf(roomNids.map((nid) => quoted(roomToken(nid)))))
  const select = `select document.* from word cross join document on document.pos = word.rowid where word match ?`
  const match = conditions.join(' AND ')
  if (isFew) return { sql: select, params: [match] }
  return {
    sql: `${select} and document.room_nid in (select value from json_each(?))`,
    params: [match, JSON.stringify(roomNids)],
  }
}

const phraseText = ({ tokens, isPrefix }: Phrase): string => `${quoted(tokens.join(' '))}${isPrefix ? ' *' : ''}`
const quoted = (text: string): string => `"${text}"`
/** Nothing is found where nobody is to be looked at. */
const anyOf = (expressions: readonly string[]): string =>
  expressions.length === 0 ? quoted('§') : `(${expressions.join(' OR ')})`
