import { Readable } from 'node:stream'
import { StreamReply } from '../route.ts'
import { dispositionOf } from './disposition.ts'
import type { Served } from './file-reply.ts'

/**
 * A file as other servers get it: behind an object that says nothing yet (spec: server-server API, Content Repository). Its
 * own size stands above it, so that the other server can tell its client before all of it has come.
 */
export function multipartReply({ contentType, filename, bytes, read }: Served, boundary: string): StreamReply {
  const head = Buffer.from(
    [
      `--${boundary}`,
      'Content-Type: application/json',
      '',
      '{}',
      `--${boundary}`,
      `Content-Type: ${contentType}`,
      `Content-Disposition: ${dispositionOf(contentType, filename)}`,
      `Content-Length: ${bytes}`,
      '',
      '',
    ].join('\r\n'),
  )
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`)
  const headers = { 'Content-Type': `multipart/mixed; boundary=${boundary}` }
  return new StreamReply(200, headers, head.length + bytes + tail.length, () => framed(head, read(), tail))
}

function framed(head: Buffer, content: Readable, tail: Buffer): Readable {
  async function* parts() {
    yield head
    yield* content
    yield tail
  }
  return Readable.from(parts(), { objectMode: false })
}
