import { Turn } from './turn.ts'

/**
 * A long list in pages of `size` rows, the last of what is left, and the turn is given back in between. `read` reads the
 * page behind that row; undefined: the first one.
 */
export async function* pages<T>(size: number, read: (last: T | undefined) => Promise<T[]>): AsyncGenerator<T[]> {
  const turn = new Turn()
  for (let last: T | undefined, isMore = true; isMore; ) {
    const page = await read(last)
    yield page
    last = page.at(-1) ?? last
    isMore = page.length === size
    if (turn.isOver) await turn.give()
  }
}
