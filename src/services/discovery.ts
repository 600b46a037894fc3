import type { JsonObject } from '../matrix/json.ts'

/** What this server says about itself to clients that do not know it yet. Plain values from the configuration. */
export interface Discovery {
  /** Where clients reach it; without one it publishes no `.well-known`. */
  readonly publicUrl: string | undefined
  /** Where other servers reach it, when that is not under its own name. */
  readonly delegatedServer: string | undefined
  /** Whom to turn to, in the form of `/.well-known/matrix/support`; undefined: it says nothing. */
  readonly support: JsonObject | undefined
  /** Further keys of `/.well-known/matrix/client`. */
  readonly wellKnown: JsonObject
  /** Names only what works: clients prefer the path that a flag promises. */
  readonly unstableFeatures: readonly string[]
  /** How long and how many events of a user can wait (MSC4140). */
  readonly delayedEvents: { readonly maxDelayMs: number; readonly maxPerUser: number }
  readonly defaultRoomVersion: string
  /** Previews of links (MSC4452). */
  readonly hasPreviews: boolean
  readonly mayChangePassword: boolean
  readonly mayChangeProfile: boolean
}
