import { isUtf8 } from 'node:buffer'
import type { OpenAnswer, Patience } from '../../outbound/exchange.ts'
import type { GuardedClient } from '../../outbound/guarded-client.ts'
import { boundaryOf, Multipart } from '../multipart.ts'
import { isUnknownEndpoint, RemoteFailure } from '../remote-failure.ts'
import type { FileRequest, SignedClient } from '../signed-client.ts'

/** Another server's file, as it comes. It must be read to its end or destroyed. */
export interface RemoteFile {
  readonly contentType: string | undefined
  /** `Content-Disposition`, as it was sent. */
  readonly disposition: string | undefined
  /** Its size, where the other server says it. */
  readonly bytes: number | undefined
  /** More than its size can be: of the whole answer. */
  readonly maxBytes: number | undefined
  readonly content: AsyncIterable<Uint8Array>
  destroy(): void
}

/** What a thumbnail should be like (spec: content repository, Thumbnails). */
export interface ThumbnailSize {
  readonly width: number
  readonly height: number
  readonly method: 'crop' | 'scale'
  readonly animated: boolean
}

/** Beyond what the other server waits for a file that is announced and not there yet. */
const NETWORK_MS = 10_000
/** A line may be slow, but something must come, and the end of it, too. */
const PIECE_MS = 30_000
const WHOLE_MS = 3_600_000
const MAX_REDIRECTS = 3
const MAX_METADATA_BYTES = 64 * 1024

/** Files of other servers (spec: server-server API, Content Repository). */
export class MediaRequests {
  readonly #client: SignedClient
  readonly #web: GuardedClient

  constructor(client: SignedClient, web: GuardedClient) {
    this.#client = client
    this.#web = web
  }

  /** A file. `waitMs`: how long the other server may wait for one that is announced and not there yet. */
  download(server: string, mediaId: string, waitMs: number, signal: AbortSignal): Promise<RemoteFile> {
    return this.#file(server, ['download', mediaId], { timeout_ms: waitMs }, { ...patienceOf(waitMs), signal })
  }

  /** A thumbnail that the other server makes; it is small, and comes at once or not at all. */
  thumbnail(
    server: string,
    mediaId: string,
    size: ThumbnailSize,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<RemoteFile> {
    const patience = { ...patienceOf(waitMs), wholeMs: waitMs + NETWORK_MS + PIECE_MS, signal }
    return this.#file(server, ['thumbnail', mediaId], { ...size, timeout_ms: waitMs }, patience)
  }

  async #file(
    server: string,
    [what, mediaId]: readonly [string, string],
    query: NonNullable<FileRequest['query']>,
    patience: Patience,
  ): Promise<RemoteFile> {
    try {
      const path = `/_matrix/federation/v1/media/${what}/${encodeURIComponent(mediaId)}`
      return await this.#parts(server, { path, query, ...patience })
    } catch (error) {
      if (!mayBeOlder(error)) throw error
      const path = `/_matrix/media/v3/${what}/${encodeURIComponent(server)}/${encodeURIComponent(mediaId)}`
      return plainFile(await this.#client.open(server, { path, query: { ...query, allow_remote: false }, ...patience }))
    }
  }

  /** An answer of two parts: an object that says nothing yet, then the file, or where it is. */
  async #parts(server: string, request: FileRequest): Promise<RemoteFile> {
    const { headers, body } = await this.#client.open(server, request)
    try {
      const boundary = boundaryOf(String(headers['content-type']))
      if (boundary === undefined) throw new Error('The answer has no parts')
      const parts = new Multipart(body, boundary)
      await parts.next()
      let described = 0
      for await (const piece of parts.content()) {
        described += piece.length
        if (described > MAX_METADATA_BYTES) throw new Error('The answer describes its file at too great a length')
      }
      const part = await parts.next()
      if (part === undefined) throw new Error('The answer has one part only')
      const location = part.get('location')
      if (location !== undefined) {
        body.destroy()
        return await this.#elsewhere(server, location, request)
      }
      return {
        contentType: part.get('content-type'),
        disposition: part.get('content-disposition'),
        bytes: lengthOf(part.get('content-length')),
        maxBytes: lengthOf(headers['content-length']),
        content: parts.content(),
        destroy: () => body.destroy(),
      }
    } catch (error) {
      body.destroy()
      throw error instanceof RemoteFailure
        ? error
        : new RemoteFailure(server, messageOf(error), { status: 200, cause: error })
    }
  }

  /** The address must not be kept: it may be good for a while only. */
  async #elsewhere(server: string, location: string, request: FileRequest): Promise<RemoteFile> {
    const url = new URL(location)
    if (url.protocol !== 'https:') throw new Error('The file is at a place without TLS')
    const answer = await this.#web.openUrl(url, { method: 'GET' }, { ...request, maxRedirects: MAX_REDIRECTS })
    if (answer.status === 200) return plainFile(answer)
    answer.body.destroy()
    throw new RemoteFailure(server, `its file is elsewhere, where the answer was ${answer.status}`, {
      status: answer.status,
    })
  }
}

const patienceOf = (waitMs: number) => ({ headMs: waitMs + NETWORK_MS, pieceMs: PIECE_MS, wholeMs: WHOLE_MS })

function plainFile({ headers, body }: OpenAnswer): RemoteFile {
  const bytes = lengthOf(headers['content-length'])
  return {
    contentType: textOf(headers['content-type']),
    disposition: asUtf8(textOf(headers['content-disposition'])),
    bytes,
    maxBytes: bytes,
    content: body,
    destroy: () => body.destroy(),
  }
}

/**
 * Whether the other server may know the old paths only. Who knows the endpoint says with an errcode what is wrong; some
 * that do not know it answer without any.
 */
const mayBeOlder = (error: unknown): boolean =>
  isUnknownEndpoint(error) || (error instanceof RemoteFailure && error.status === 400 && error.errcode === undefined)

const textOf = (header: string | string[] | undefined): string | undefined =>
  typeof header === 'string' ? header : header?.[0]

/** Some servers put a name beyond ASCII into a header as it is, in UTF-8, of which HTTP makes a character for each byte. */
function asUtf8(header: string | undefined): string | undefined {
  if (header === undefined || /[^\0-\xff]/.test(header)) return header
  const bytes = Buffer.from(header, 'latin1')
  return isUtf8(bytes) ? bytes.toString() : header
}

const lengthOf = (header: string | string[] | undefined): number | undefined => {
  const text = textOf(header)
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
