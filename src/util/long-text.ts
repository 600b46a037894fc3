/** Characters that are gathered before they become bytes: so many that the allocator gives them back at once (see `bongsu`). */
const PIECE_CHARS = 128 * 1024

/**
 * A text that is put together piece by piece and may grow to megabytes. As one string it is joined, measured and turned into
 * bytes in one go at the end: 20 ms for a first sync of 500 rooms, 50 ms for the members of a room of 20,000, in which
 * nobody else is answered, and all of it on the heap meanwhile. Here each piece becomes bytes, outside the heap, as soon as
 * there is enough of it.
 */
export class LongText {
  #tail = ''
  readonly #pieces: Buffer[] = []

  constructor(...parts: readonly (string | LongText)[]) {
    for (const part of parts) this.push(part)
  }

  push(text: string | LongText): void {
    if (text instanceof LongText) {
      if (text.#pieces.length > 0) this.#endPiece()
      this.#pieces.push(...text.#pieces)
      this.push(text.#tail)
      return
    }
    this.#tail += text
    if (this.#tail.length >= PIECE_CHARS) this.#endPiece()
  }

  /** The next of a list: behind a comma, unless nothing is there yet. */
  pushItem(text: string | LongText): void {
    if (!this.isEmpty) this.push(',')
    this.push(text)
  }

  get isEmpty(): boolean {
    return this.#tail === '' && this.#pieces.length === 0
  }

  /** The text while it is short, or else its bytes. */
  end(): string | readonly Buffer[] {
    if (this.#pieces.length === 0) return this.#tail
    this.#endPiece()
    return this.#pieces
  }

  #endPiece(): void {
    if (this.#tail !== '') this.#pieces.push(Buffer.from(this.#tail))
    this.#tail = ''
  }
}

/**
 * Gives back the memory of pieces that nobody needs any more. The collector would leave it until it next goes through the old
 * generation, for it sees only the small objects in front of it: 10 MiB more, and a quarter more of its rounds, while
 * somebody makes one first sync of 500 rooms after the other.
 */
export function giveBack(pieces: readonly Buffer[]): void {
  for (const { buffer, byteLength } of pieces) {
    const isShared = byteLength < buffer.byteLength // a short one lies in the pool that Node has for them
    if (!isShared && buffer instanceof ArrayBuffer) buffer.transfer(0)
  }
}
