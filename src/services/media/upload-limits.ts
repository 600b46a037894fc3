import { forbidden, type MatrixError } from '../../matrix/errors.ts'
import type { Db, Tx } from '../../storage/db.ts'
import { deleteInPieces } from '../../storage/expire.ts'
import * as table from '../../storage/media/media-use.ts'
import { type Clock, DAY_MS } from '../../util/clock.ts'

/** What may be uploaded, in bytes where nothing else is said. `undefined`: as much as one likes. */
export interface UploadBounds {
  readonly userDay: number | undefined
  readonly userDayFiles: number | undefined
  readonly userTotal: number | undefined
  readonly allDay: number | undefined
  readonly allTotal: number | undefined
}

interface Deps {
  readonly db: Db
  readonly clock: Clock
  readonly bounds: UploadBounds
}

/** What one limit leaves, and what is said to whom it stops. */
interface Rest {
  readonly left: number
  readonly refusal: string
}

/**
 * How much users may upload. Whoever reaches a limit is told M_FORBIDDEN, as the specification has it for quotas, and not
 * M_LIMIT_EXCEEDED, which makes clients wait and try the same file again.
 */
export class UploadLimits {
  readonly #deps: Deps
  readonly #hasAny: boolean

  constructor(deps: Deps) {
    this.#deps = deps
    this.#hasAny = Object.values(deps.bounds).some((bound) => bound !== undefined)
  }

  /** `M_FORBIDDEN` where the user may upload nothing more. Returns how many bytes it may be, and the refusal beyond. */
  async room(userNid: number): Promise<{ bytes: number; refusal: MatrixError } | undefined> {
    if (!this.#hasAny) return undefined
    const day = this.#today()
    const uses = await table.listMediaUse(this.#deps.db, userNid, day)
    const { files, bytes } = this.#rests(uses, userNid, day)
    for (const { left, refusal } of [...files, ...bytes]) if (left <= 0) throw forbidden(refusal)
    const tightest = bytes.toSorted((a, b) => a.left - b.left)[0]
    return tightest && { bytes: tightest.left, refusal: forbidden(tightest.refusal) }
  }

  /** The same content, which fails where it becomes more than there is room for. */
  async bounded(userNid: number, content: AsyncIterable<Uint8Array>): Promise<AsyncIterable<Uint8Array>> {
    const room = await this.room(userNid)
    return room === undefined ? content : cutAt(content, room.bytes, room.refusal)
  }

  /** Counts an upload; `M_FORBIDDEN` where others have taken the room meanwhile, and then the transaction must end. */
  async count(tx: Tx, userNid: number, bytes: number): Promise<void> {
    const day = this.#today()
    const rests = this.#rests(await table.countUpload(tx, userNid, day, bytes), userNid, day)
    for (const { left, refusal } of [...rests.files, ...rests.bytes]) if (left < 0) throw forbidden(refusal)
  }

  /** Forgets days that are over. */
  async expire(): Promise<void> {
    const today = this.#today()
    await deleteInPieces(this.#deps.db, (tx, limit) => table.deleteMediaUse(tx, today, limit))
  }

  #rests(uses: readonly table.MediaUse[], userNid: number, day: number): { files: Rest[]; bytes: Rest[] } {
    const { userDay, userDayFiles, userTotal, allDay, allTotal } = this.#deps.bounds
    const used = (nid: number, at: number, what: 'files' | 'bytes') =>
      uses.find((use) => use.userNid === nid && use.day === at)?.[what] ?? 0
    const rest = (bound: number | undefined, nid: number, at: number, what: 'files' | 'bytes', refusal: string) =>
      bound === undefined ? [] : [{ left: bound - used(nid, at, what), refusal }]
    const { EVERYBODY, IN_ALL } = table
    return {
      files: rest(userDayFiles, userNid, day, 'files', 'You have uploaded as many files as one may in a day'),
      bytes: [
        ...rest(userDay, userNid, day, 'bytes', 'This is more than you may upload in a day'),
        ...rest(userTotal, userNid, IN_ALL, 'bytes', 'There is no room for more of your files'),
        ...rest(allDay, EVERYBODY, day, 'bytes', 'This is more than may be uploaded to this server in a day'),
        ...rest(allTotal, EVERYBODY, IN_ALL, 'bytes', 'There is no room for more files on this server'),
      ],
    }
  }

  #today(): number {
    return Math.floor(this.#deps.clock.now() / DAY_MS)
  }
}

async function* cutAt(
  content: AsyncIterable<Uint8Array>,
  maxBytes: number,
  refusal: MatrixError,
): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const piece of content) {
    bytes += piece.length
    if (bytes > maxBytes) throw refusal
    yield piece
  }
}
