import type { BackedUpKeyRow } from '../../../storage/keys/backed-up-keys.ts'
import { textOf } from './room-key.ts'

/** Keys in order of room and session, none of the pages empty. */
type Pages = AsyncIterable<readonly BackedUpKeyRow[]>

/** `{ sessions }` of one room, in pieces: a backup is too large to be put together first. */
export async function* roomText(pages: Pages): AsyncGenerator<string> {
  let before = '{"sessions":{'
  for await (const rows of pages) {
    yield `${before}${rows.map(sessionText).join(',')}`
    before = ','
  }
  yield before === ',' ? '}}' : `${before}}}`
}

/** `{ rooms: { roomId: { sessions } } }`, in pieces. */
export async function* backupText(pages: Pages): AsyncGenerator<string> {
  let room: string | undefined
  yield '{"rooms":{'
  for await (const rows of pages) {
    let piece = ''
    for (const row of rows) {
      if (row.room_id === room) piece += ','
      else piece += `${room === undefined ? '' : '}},'}${JSON.stringify(row.room_id)}:{"sessions":{`
      piece += sessionText(row)
      room = row.room_id
    }
    yield piece
  }
  yield room === undefined ? '}}' : '}}}}'
}

const sessionText = (row: BackedUpKeyRow): string => `${JSON.stringify(row.session_id)}:${textOf(row)}`
