/** Whole numbers from 0 to 2^53 - 1 as bytes, seven bits each, the lowest first; the eighth says that more follow. */
export class ByteWriter {
  readonly #bytes: number[] = []

  get length(): number {
    return this.#bytes.length
  }

  number(value: number): void {
    let rest = value
    while (rest >= 0x80) {
      this.#bytes.push((rest % 0x80) | 0x80)
      rest = Math.floor(rest / 0x80)
    }
    this.#bytes.push(rest)
  }

  /** What was written, which is taken out. */
  take(): Uint8Array {
    return Uint8Array.from(this.#bytes.splice(0))
  }
}

/** Reads numbers as they were written, from `at` on, of a byte a character; throws where the bytes end too early. */
export class ByteReader {
  readonly #bytes: string
  #at: number

  constructor(bytes: string, at: number) {
    this.#bytes = bytes
    this.#at = at
  }

  number(): number {
    let value = 0
    for (let unit = 1; ; unit *= 0x80) {
      const byte = this.#bytes.charCodeAt(this.#at++)
      if (Number.isNaN(byte)) throw new Error('A stored state ends too early')
      value += (byte & 0x7f) * unit
      if (byte < 0x80) return value
    }
  }
}
