/** A priority queue: `pop` takes the smallest item by `compare`. */
export class Heap<T> {
  readonly #items: T[] = []
  readonly #compare: (one: T, other: T) => number

  constructor(compare: (one: T, other: T) => number) {
    this.#compare = compare
  }

  get size(): number {
    return this.#items.length
  }

  peek(): T | undefined {
    return this.#items[0]
  }

  /** Whether any waiting item satisfies the claim. */
  some(claim: (item: T) => boolean): boolean {
    return this.#items.some(claim)
  }

  push(item: T): void {
    let at = this.#items.push(item) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#swapIfLess(at, parent)) return
      at = parent
    }
  }

  pop(): T | undefined {
    const [top] = this.#items
    const last = this.#items.pop()
    if (last === undefined || this.#items.length === 0) return last
    this.#items[0] = last
    let at = 0
    for (;;) {
      const left = 2 * at + 1
      const child = this.#isLess(left + 1, left) ? left + 1 : left
      if (!this.#swapIfLess(child, at)) return top
      at = child
    }
  }

  #isLess(one: number, other: number): boolean {
    const [first, second] = [this.#items[one], this.#items[other]]
    return first !== undefined && second !== undefined && this.#compare(first, second) < 0
  }

  #swapIfLess(one: number, other: number): boolean {
    if (!this.#isLess(one, other)) return false
    const [first, second] = [this.#items[one], this.#items[other]]
    this.#items[one] = second as T
    this.#items[other] = first as T
    return true
  }
}
