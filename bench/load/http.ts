import { type Dispatcher, Pool } from 'undici'

export interface Answer {
  readonly status: number
  readonly text: string
}

/** More than any scenario waits with at once. */
const MAX_CONNECTIONS = 2_000
const TIMEOUT_MS = 120_000

/**
 * A lean HTTP client: the load shares two cores with the server that it measures. Long polls have a pool of their own,
 * so that a send never looks for a free connection among a thousand busy ones.
 */
export class Http {
  readonly origin: string
  readonly #sends: Pool
  readonly #polls: Pool

  constructor(origin: string) {
    this.origin = origin
    const options = { connections: MAX_CONNECTIONS, headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS }
    this.#sends = new Pool(origin, options)
    this.#polls = new Pool(origin, options)
  }

  /** Sends a request and returns whatever is answered; rejects only when there is no answer. */
  request(method: Dispatcher.HttpMethod, path: string, token?: string, body?: string): Promise<Answer> {
    return dispatch(this.#sends, method, path, token, body)
  }

  poll(path: string, token: string): Promise<Answer> {
    return dispatch(this.#polls, 'GET', path, token)
  }

  /** The same for an answer of megabytes, of which only the bytes are counted: other clients of this process wait for what one reads. */
  async weigh(path: string, token: string): Promise<number> {
    let bytes = 0
    const { status, text } = await dispatch(this.#polls, 'GET', path, token, undefined, (chunk) => {
      bytes += chunk.length
    })
    if (status !== 200) throw new Error(`${path} answered ${status}: ${text}`)
    return bytes
  }

  /** A request that must succeed: the parsed answer. */
  async json<T>(method: Dispatcher.HttpMethod, path: string, token?: string, body?: unknown): Promise<T> {
    const { status, text } = await this.request(
      method,
      path,
      token,
      body === undefined ? undefined : JSON.stringify(body),
    )
    if (status !== 200) throw new Error(`${method} ${path} answered ${status}: ${text.slice(0, 200)}`)
    return JSON.parse(text) as T
  }

  async close(): Promise<void> {
    await Promise.all([this.#sends.destroy(), this.#polls.destroy()])
  }
}

function dispatch(
  pool: Pool,
  method: Dispatcher.HttpMethod,
  path: string,
  token?: string,
  body?: string,
  take?: (chunk: Buffer) => void,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers: string[] = []
    if (token !== undefined) headers.push('authorization', `Bearer ${token}`)
    if (body !== undefined) headers.push('content-type', 'application/json')
    const chunks: Buffer[] = []
    let status = 0
    pool.dispatch(
      { method, path, headers, ...(body !== undefined && { body }) },
      {
        onRequestStart() {},
        onResponseStart(_controller, statusCode) {
          status = statusCode
        },
        onResponseData(_controller, chunk) {
          if (take) take(chunk)
          else chunks.push(chunk)
        },
        onResponseEnd() {
          resolve({ status, text: chunks.length === 1 ? String(chunks[0]) : Buffer.concat(chunks).toString() })
        },
        onResponseError(_controller, error) {
          reject(error)
        },
      },
    )
  })
}
