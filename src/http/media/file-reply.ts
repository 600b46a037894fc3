import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import { Reply, StreamReply } from '../route.ts'
import { dispositionOf } from './disposition.ts'
import { type ByteRange, rangeOf } from './range.ts'

/** What is served: a stored file or a thumbnail. */
export interface Served {
  /** Changes whenever the bytes do. */
  readonly tag: string
  readonly bytes: number
  readonly contentType: string
  readonly filename: string | undefined
  read(range?: ByteRange): Readable
}

/** What is served while it is still being fetched. */
export interface Arriving extends Pick<Served, 'contentType' | 'filename'> {
  readonly bytes: number | undefined
  read(): Readable
}

/** Files never run in the browser and may be used by any client (spec: Content repository). */
const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy':
    "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; style-src 'unsafe-inline'; object-src 'self';",
  'Cross-Origin-Resource-Policy': 'cross-origin',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
}

/** Content never changes under its address; only who may see it can, so no shared cache keeps it. */
const CACHE_CONTROL = 'private, max-age=86400'

/** Answers with all of a file as it comes: parts of it are for whoever asks again. */
export function arrivingReply({ contentType, filename, bytes, read }: Arriving): StreamReply {
  const headers = {
    ...SECURITY_HEADERS,
    'Cache-Control': CACHE_CONTROL,
    'Content-Type': contentType,
    'Content-Disposition': dispositionOf(contentType, filename),
  }
  return new StreamReply(200, headers, bytes, read)
}

/** Whether a client has it already (RFC 9110, section 13.1.2). A proxy that compresses makes a tag weak, which counts here. */
const isAmong = (tag: string, tags: string | undefined): boolean =>
  tags?.split(',').some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '') === tag) ?? false

/** Answers with a file, or with the part of it that was asked for, or that the client has it already. */
export function fileReply(file: Served, headers: IncomingHttpHeaders): Reply | StreamReply {
  const tag = `"${file.tag}"`
  const common = { ...SECURITY_HEADERS, ETag: tag, 'Cache-Control': CACHE_CONTROL, 'Accept-Ranges': 'bytes' }
  if (isAmong(tag, headers['if-none-match'])) return new Reply(304, common)
  const ifRange = headers['if-range']
  const range = ifRange === undefined || ifRange === tag ? rangeOf(headers.range, file.bytes) : undefined
  if (range === 'none') return new Reply(416, { ...common, 'Content-Range': `bytes */${file.bytes}` })
  const whole = {
    ...common,
    'Content-Type': file.contentType,
    'Content-Disposition': dispositionOf(file.contentType, file.filename),
  }
  if (range === undefined) return new StreamReply(200, whole, file.bytes, () => file.read())
  const { start, end } = range
  const partial = { ...whole, 'Content-Range': `bytes ${start}-${end}/${file.bytes}` }
  return new StreamReply(206, partial, end - start + 1, () => file.read(range))
}
