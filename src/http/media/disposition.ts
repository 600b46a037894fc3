import { essenceOf } from '../../services/media/content-type.ts'

/** What browsers may show by themselves (spec: content repository, Serving inline content). SVG and HTML are not in it. */
const INLINE: ReadonlySet<string> = new Set([
  'text/css',
  'text/plain',
  'text/csv',
  'application/json',
  'application/ld+json',
  'image/jpeg',
  'image/gif',
  'image/png',
  'image/apng',
  'image/webp',
  'image/avif',
  'video/mp4',
  'video/webm',
  'video/ogg',
  'video/quicktime',
  'audio/mp4',
  'audio/webm',
  'audio/aac',
  'audio/mpeg',
  'audio/ogg',
  'audio/wave',
  'audio/wav',
  'audio/x-wav',
  'audio/x-pn-wav',
  'audio/flac',
  'audio/x-flac',
])

/**
 * The `Content-Disposition` of a file. A name beyond ASCII stands in both forms (RFC 6266): `filename*` for those who know
 * it, and a plain one for the others. So does one with `%20` in it, which browsers would take for a space.
 */
export function dispositionOf(contentType: string, filename: string | undefined): string {
  const kind = INLINE.has(essenceOf(contentType)) ? 'inline' : 'attachment'
  if (filename === undefined) return kind
  const plain = filename.replace(/[^\x20-\x7e]/gu, '_').replace(/["\\]/g, '\\$&')
  const isPlain = /^(?:[\x20-\x24\x26-\x7e]|%(?![\da-f]{2}))*$/i.test(filename)
  return `${kind}; filename="${plain}"${isPlain ? '' : `; filename*=utf-8''${percentEncoded(filename)}`}`
}

/** As RFC 8187 wants it: stricter than URLs. */
const percentEncoded = (text: string): string =>
  encodeURIComponent(text).replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
