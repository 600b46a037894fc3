import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate } from 'node:zlib'
import type { GuardedClient } from '../../outbound/guarded-client.ts'
import { essenceOf } from '../media/content-type.ts'
import type { LinkPolicy } from './link-policy.ts'

interface Deps {
  /** With address rules of its own. */
  readonly client: GuardedClient
  readonly policy: LinkPolicy
  readonly userAgent: string
  /** The best first. */
  readonly languages: readonly string[]
  /** Of an answer, compressed and decompressed. */
  readonly maxBytes: number
}

/** Something of the web. */
export interface WebDocument {
  /** Where it was in the end. */
  readonly url: URL
  /** Without parameters, in lower case; empty where nothing was said. */
  readonly type: string
  readonly charset: string | undefined
  readonly body: Buffer
}

const TIMEOUT_MS = 10_000
const MAX_REDIRECTS = 5
const DECODERS = { gzip: promisify(gunzip), deflate: promisify(inflate), br: promisify(brotliDecompress) }

/** Reads pages and pictures of the web as a stranger would: no cookies, no referrer, everything bounded. */
export class WebReader {
  readonly #deps: Deps
  readonly #acceptLanguage: string

  constructor(deps: Deps) {
    this.#deps = deps
    this.#acceptLanguage = deps.languages.map((tag, i) => (i === 0 ? tag : `${tag};q=${quality(i)}`)).join(', ')
  }

  /** Rejects, with no error of Matrix, where it is not allowed, not there, too large or too slow. */
  async read(url: URL, accept: string, signal: AbortSignal): Promise<WebDocument> {
    const { client, policy, userAgent, maxBytes } = this.#deps
    const headers = {
      accept,
      'accept-encoding': Object.keys(DECODERS).join(', '),
      'accept-language': this.#acceptLanguage,
      'user-agent': userAgent,
    }
    const answer = await client.fetch(
      url,
      { method: 'GET', headers },
      {
        maxBytes,
        timeoutMs: TIMEOUT_MS,
        maxRedirects: MAX_REDIRECTS,
        mayVisit: (at) => policy.allows(at),
        signal,
      },
    )
    if (answer.status !== 200) throw new Error(`Answered ${answer.status}`)
    const contentType = textOf(answer.headers['content-type'])
    return {
      url: answer.url,
      type: essenceOf(contentType),
      charset: /;\s*charset\s*=\s*"?([\w.:-]{1,40})/i.exec(contentType)?.[1],
      body: await decompress(answer.body, textOf(answer.headers['content-encoding']), maxBytes),
    }
  }
}

/** A small file can unfold to a huge one: it ends at `maxBytes`. */
async function decompress(body: Buffer, encoding: string, maxBytes: number): Promise<Buffer> {
  const name = encoding.trim().toLowerCase().replace(/^x-/, '')
  if (name === '' || name === 'identity') return body
  if (name !== 'gzip' && name !== 'deflate' && name !== 'br') throw new Error(`Encoded as ${name.slice(0, 40)}`)
  return DECODERS[name](body, { maxOutputLength: maxBytes })
}

const textOf = (header: string | string[] | undefined): string => (typeof header === 'string' ? header : '')

const quality = (place: number): string => Math.max(0.1, 1 - place / 10).toFixed(1)
