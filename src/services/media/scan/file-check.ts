import { forbidden, MatrixError } from '../../../matrix/errors.ts'
import type { Gate } from '../../gate.ts'
import type { NewFile, Scan } from './scan.ts'

interface Deps {
  readonly scan: Scan
  /** How many files the scanner gets at once. */
  readonly gate: Gate
  readonly timeoutMs: number
  /** Whether a file is accepted that the scanner says nothing about. */
  readonly acceptsUnscanned: boolean
  onFinding(finding: string): void
  /** The scanner said nothing about a file, for the first time since it last did. */
  onAway(error: unknown): void
  onBack(): void
}

/** Lets no file into the store that the virus scanner does not want there. */
export class FileCheck {
  readonly #deps: Deps
  #isAway = false

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Resolves when the file may be kept. `M_FORBIDDEN` when not; 503 `M_UNKNOWN` when nobody can tell. */
  async check(file: NewFile): Promise<void> {
    const { gate, onFinding } = this.#deps
    const finding = await gate.run(() => this.#ask(file))
    if (finding === undefined) return
    onFinding(finding)
    throw forbidden('The virus scanner refuses this file')
  }

  async #ask(file: NewFile): Promise<string | undefined> {
    const { scan, timeoutMs, acceptsUnscanned, onAway, onBack } = this.#deps
    try {
      const finding = await scan(file, AbortSignal.timeout(timeoutMs))
      if (this.#isAway) onBack()
      this.#isAway = false
      return finding
    } catch (error) {
      if (!this.#isAway) onAway(error)
      this.#isAway = true
      if (acceptsUnscanned) return undefined
      throw new MatrixError('M_UNKNOWN', 'Files cannot be checked for viruses now', { status: 503, cause: error })
    }
  }
}
