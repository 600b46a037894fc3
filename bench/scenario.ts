import type { Http } from './load/http.ts'
import type { User } from './load/user.ts'

/** What a scenario measures against. */
export interface World {
  readonly http: Http
  /** How long a scenario loads the server. */
  readonly seconds: number
  /** Registers users: no scenario meets the rooms of another. */
  users(count: number): Promise<User[]>
  /** CPU time of the server's process so far, in milliseconds; undefined when it is somebody else's (`--target`). */
  cpuMs(): number | undefined
  /** The same for its resident memory, in MiB. */
  memoryMiB(): number | undefined
}

/** One line of the table: what was measured, the bar, and whether it held (undefined: no bar, or a judgement). */
export interface Figure {
  readonly what: string
  readonly figure: string
  readonly bar?: string
  readonly holds?: boolean
}

export interface Scenario {
  readonly name: string
  run(world: World): Promise<Figure[]>
}
