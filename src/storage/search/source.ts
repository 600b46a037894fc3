import type { Queries } from '../access.ts'
import { places } from '../run.ts'

/** An event as the index looks at it. */
export interface SourceEvent {
  readonly nid: number
  readonly event_id: string
  readonly room_nid: number
  readonly pos: number | null
  readonly type: string
  readonly sender_nid: number
  readonly is_state: number
  readonly kind: number
  readonly redacted_by_nid: number | null
  readonly json: string
}

/** An event that was not what it is now when it was first looked at. */
export interface AgainRow {
  readonly id: number
  readonly event_nid: number
  /** Where it was in the stream, if it was. */
  readonly was_at: number | null
}

const COLUMNS = `e.nid, e.event_id, e.room_nid, e.pos, t.text as type, e.sender_nid,
  case when e.key_nid is null then 0 else 1 end as is_state, e.kind, e.redacted_by_nid, e.json`
const FROM = 'from event e join name t on t.nid = e.type_nid'
const CHUNK = 500

const READ_TYPES = ['m.room.message', 'm.room.name', 'm.room.topic', 'm.room.redaction', 'm.room.encryption']

/** What the index reads of the server's tables. Each read is a statement by itself: it keeps no old state alive. */
export class SearchSource {
  readonly #queries: Pick<Queries, 'rows'>
  readonly #typeNids = new Map<string, number>()

  constructor(queries: Pick<Queries, 'rows'>) {
    this.#queries = queries
  }

  /** Events in `(after, upTo]`, by number, of the types that the index reads. */
  async listNew(after: number, upTo: number, limit: number): Promise<SourceEvent[]> {
    const typeNids = await this.#nids(READ_TYPES)
    if (typeNids.length === 0) return []
    return this.#rows(
      `select ${COLUMNS} ${FROM} where e.nid > ? and e.nid <= ? and e.kind = 0 and e.type_nid in (${places(typeNids.length)})
       order by e.nid limit ?`,
      [after, upTo, ...typeNids, limit],
    )
  }

  async eventIdOf(nid: number): Promise<string | undefined> {
    const rows = await this.#rows<{ event_id: string }>('select event_id from event where nid = ?', [nid])
    return rows[0]?.event_id
  }

  byNid(nids: readonly number[]): Promise<SourceEvent[]> {
    return this.#in(`select ${COLUMNS} ${FROM} where e.nid`, nids)
  }

  byId(ids: readonly string[]): Promise<SourceEvent[]> {
    return this.#in(`select ${COLUMNS} ${FROM} where e.event_id`, ids)
  }

  listAgain(after: number, limit: number): Promise<AgainRow[]> {
    return this.#rows('select id, event_nid, was_at from search_again where id > ? order by id limit ?', [after, limit])
  }

  /** The latest replacements, as JSON texts, by the numbers of those events that were edited (spec: Event replacements). */
  async replacements(nids: readonly number[]): Promise<Map<number, string>> {
    const [relTypeNid] = await this.#nids(['m.replace'])
    if (relTypeNid === undefined) return new Map()
    const rows = await this.#in<{ nid: number; json: string }, number>(
      `select p.nid, e.json from event p join event e on e.nid = (
         select r.event_nid from relation r join event c on c.nid = r.event_nid
         where r.room_nid = p.room_nid and r.parent_id = p.event_id and r.rel_type_nid = ${relTypeNid}
           and r.sender_nid = p.sender_nid and r.type_nid = p.type_nid
         order by c.ts desc, c.event_id desc limit 1)
       where p.nid`,
      nids,
    )
    return new Map(rows.map((row) => [row.nid, row.json]))
  }

  /** Those of the rooms that are encrypted now. */
  async encryptedRooms(roomNids: readonly number[]): Promise<Set<number>> {
    const [typeNid] = await this.#nids(['m.room.encryption'])
    if (typeNid === undefined) return new Set()
    const sql = `select s.room_nid from current_state s join name k on k.nid = s.key_nid
      where s.type_nid = ${typeNid} and k.text = '' and s.room_nid`
    return new Set((await this.#in<{ room_nid: number }, number>(sql, roomNids)).map((row) => row.room_nid))
  }

  async #nids(texts: readonly string[]): Promise<number[]> {
    const missing = texts.filter((text) => !this.#typeNids.has(text))
    if (missing.length > 0) {
      const sql = `select nid, text from name where text in (${places(missing.length)})`
      for (const { nid, text } of await this.#rows<{ nid: number; text: string }>(sql, missing)) {
        this.#typeNids.set(text, nid)
      }
    }
    return texts.map((text) => this.#typeNids.get(text)).filter((nid) => nid !== undefined)
  }

  /** `select` ends with the column that is one of the values. */
  async #in<Row = SourceEvent, V extends string | number = string | number>(
    select: string,
    values: readonly V[],
  ): Promise<Row[]> {
    const rows: Row[] = []
    for (let start = 0; start < values.length; start += CHUNK) {
      const part = values.slice(start, start + CHUNK)
      rows.push(...(await this.#rows<Row>(`${select} in (${places(part.length)})`, part)))
    }
    return rows
  }

  #rows<Row>(sql: string, params: readonly (string | number)[]): Promise<Row[]> {
    return this.#queries.rows(sql, params) as Promise<Row[]>
  }
}
