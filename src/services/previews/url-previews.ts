import { createHash } from 'node:crypto'
import { forbidden, MatrixError } from '../../matrix/errors.ts'
import { type Db, transact } from '../../storage/db.ts'
import { deleteInPieces } from '../../storage/expire.ts'
import * as table from '../../storage/media/url-previews.ts'
import type { Clock } from '../../util/clock.ts'
import { Gate } from '../gate.ts'
import { type LinkPolicy, parseLink } from './link-policy.ts'
import type { PreviewMaker } from './preview-maker.ts'

interface Deps {
  readonly db: Db
  readonly clock: Clock
  readonly isEnabled: boolean
  readonly policy: LinkPolicy
  readonly maker: PreviewMaker
  readonly keepMs: number
  /** Told why a link has no preview. */
  onFailure(error: unknown): void
}

const MAX_RUNNING = 6
/** For one user: links that answer slowly must not take all places. */
const PER_USER = 4
const MAX_WAITING = 100
/** For the page, its oEmbed and its picture, with all redirects. */
const WHOLE_MS = 20_000
/** A link that failed is not tried again for so long: everybody in a room asks at once. */
const KEEP_FAILURE_MS = 60_000
/** Old previews are kept a while for clients that ask how a page was (`ts`). */
const HISTORY_MS = 86_400_000

/** Previews of links (spec: getUrlPreviewAuthed), fetched once for everybody and kept. */
export class UrlPreviews {
  readonly #deps: Deps
  readonly #gate = new Gate(MAX_RUNNING, MAX_WAITING, 'Too many links are being fetched at once', PER_USER)
  readonly #running = new Map<string, Promise<string | null>>()
  readonly #stop = new AbortController()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /**
   * The preview of a link for a user, as JSON text; as it was at `ts`, in milliseconds, where that is kept. `M_FORBIDDEN` where there
   * are no previews, or none of that host; 502 `M_UNKNOWN` where the link leads nowhere. Why it leads nowhere is told to
   * nobody: else one could ask about the machines of the house.
   */
  async of(link: string, who: string, ts?: number): Promise<string> {
    const { db, clock, isEnabled, policy } = this.#deps
    if (!isEnabled) throw forbidden('This server makes no previews of links')
    const url = parseLink(link)
    if (!policy.allows(url)) throw forbidden('This server makes no previews of links to that host')
    const urlHash = createHash('sha256').update(url.href).digest('hex')
    const now = clock.now()
    const kept = await table.findPreview(db, urlHash, Math.min(ts ?? now, now), now)
    const preview = kept ? kept.preview : await this.#makeOnce(url, urlHash, who)
    if (preview === null) throw new MatrixError('M_UNKNOWN', 'This link has no preview', { status: 502 })
    return preview
  }

  async expire(): Promise<void> {
    const { db, clock } = this.#deps
    await deleteInPieces(db, (tx, limit) => table.deletePreviews(tx, clock.now() - HISTORY_MS, limit))
  }

  /** Gives up what is under way. */
  async close(): Promise<void> {
    this.#stop.abort()
    await Promise.allSettled(this.#running.values())
  }

  #makeOnce(url: URL, urlHash: string, who: string): Promise<string | null> {
    const running = this.#running.get(urlHash)
    if (running) return running
    const making = this.#gate.run(() => this.#make(url, urlHash), who).finally(() => this.#running.delete(urlHash))
    this.#running.set(urlHash, making)
    return making
  }

  async #make(url: URL, urlHash: string): Promise<string | null> {
    const { db, clock, maker, keepMs, onFailure } = this.#deps
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(WHOLE_MS)])
    let preview: string | null = null
    try {
      preview = JSON.stringify(await maker.make(url, signal))
    } catch (error) {
      onFailure(error)
    }
    if (this.#stop.signal.aborted) return null
    const now = clock.now()
    const expiresTs = now + (preview === null ? KEEP_FAILURE_MS : keepMs)
    await transact(db, (tx) => table.insertPreview(tx, { urlHash, fetchedTs: now, expiresTs, preview }))
    return preview
  }
}
