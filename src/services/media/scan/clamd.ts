import { converse, type Place } from './converse.ts'
import type { NewFile, Scan } from './scan.ts'

/** Asks a ClamAV daemon (clamd(8), INSTREAM), which reads the file from the connection, not from the disk. */
export const scanByClamd =
  (place: Place): Scan =>
  async (file, signal) => {
    const answer = await converse(place, framed(file), (text) => text.endsWith('\0'), signal)
    const [, said = ''] = /^stream: (.*)\0$/s.exec(answer) ?? []
    if (said === 'OK') return undefined
    if (said.endsWith(' FOUND')) return said.slice(0, -' FOUND'.length)
    throw new Error(`clamd says: ${answer.slice(0, 200)}`)
  }

/** The command, then pieces behind their lengths, and an empty one. */
async function* framed(file: NewFile): AsyncGenerator<Buffer> {
  yield Buffer.from('zINSTREAM\0')
  for await (const piece of file.read()) {
    if (piece.length === 0) continue // would end it
    yield lengthOf(piece.length)
    yield piece
  }
  yield lengthOf(0)
}

function lengthOf(bytes: number): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes)
  return length
}
