/** What stands above the content of a part, by name in lower case. */
export type PartHeaders = ReadonlyMap<string, string>

/** The answer is not what a multipart body is. */
export class MalformedMultipart extends Error {
  override readonly name = 'MalformedMultipart'
}

const CRLF = Buffer.from('\r\n')
const END_OF_HEADERS = Buffer.from('\r\n\r\n')
const MAX_HEADER_BYTES = 16 * 1024
/** Padding behind a boundary, and what stands before the first one. */
const MAX_PADDING_BYTES = 1024

/** The boundary that a `multipart/mixed` content type names (RFC 2046, section 5.1.1); `undefined` for other types. */
export function boundaryOf(contentType: string): string | undefined {
  if (!/^\s*multipart\/mixed\s*;/i.test(contentType)) return undefined
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]{1,70})"|([^\s";]{1,70}))/i.exec(contentType) ?? []
  return quoted ?? plain
}

/** Reads a multipart body part by part, as it comes; of a part no more is held than a piece of the source. */
export class Multipart {
  readonly #source: AsyncIterator<Uint8Array>
  readonly #delimiter: Buffer
  /** What has come and was not taken yet. The first boundary may stand at the very beginning: it gets its line break. */
  #held = CRLF

  constructor(source: AsyncIterable<Uint8Array>, boundary: string) {
    this.#source = source[Symbol.asyncIterator]()
    this.#delimiter = Buffer.from(`\r\n--${boundary}`)
  }

  /** The headers of the first or next part, once the one before was read; `undefined` behind the last one. */
  async next(): Promise<PartHeaders | undefined> {
    await this.#upTo(this.#delimiter, MAX_PADDING_BYTES)
    const padding = await this.#upTo(CRLF, MAX_PADDING_BYTES)
    if (padding.subarray(0, 2).toString('latin1') === '--') return undefined
    this.#held = Buffer.concat([CRLF, this.#held]) // so that no headers end as some do
    return headersOf(await this.#upTo(END_OF_HEADERS, MAX_HEADER_BYTES))
  }

  /** The content of the part whose headers were read last. */
  async *content(): AsyncGenerator<Buffer> {
    const keep = this.#delimiter.length - 1 // may be the beginning of a boundary
    for (;;) {
      const at = this.#held.indexOf(this.#delimiter)
      const end = at < 0 ? Math.max(0, this.#held.length - keep) : at
      if (end > 0) yield this.#take(end)
      if (at >= 0) return
      await this.#more()
    }
  }

  /** Takes everything before `mark`, and the mark. */
  async #upTo(mark: Buffer, maxBytes: number): Promise<Buffer> {
    for (;;) {
      const at = this.#held.indexOf(mark)
      if (at >= 0 && at <= maxBytes) {
        const taken = this.#take(at)
        this.#take(mark.length)
        return taken
      }
      if (this.#held.length > maxBytes + mark.length) throw new MalformedMultipart('A part begins with too much')
      await this.#more()
    }
  }

  #take(bytes: number): Buffer {
    const taken = this.#held.subarray(0, bytes)
    this.#held = this.#held.subarray(bytes)
    return taken
  }

  async #more(): Promise<void> {
    const { done, value } = await this.#source.next()
    if (done) throw new MalformedMultipart('The body ends before its last boundary')
    this.#held = Buffer.concat([this.#held, value])
  }
}

function headersOf(block: Buffer): PartHeaders {
  const headers = new Map<string, string>()
  for (const line of block.toString('utf8').split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim())
  }
  return headers
}
