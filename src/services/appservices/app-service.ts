import type { UserId } from '../../matrix/ids.ts'

/** Ids that an application service is interested in. */
export interface Namespace {
  /** Nobody else may make what has such an id. */
  readonly isExclusive: boolean
  readonly pattern: RegExp
}

/** An application service as it was registered (spec: application service API, Registration). */
export interface AppService {
  readonly id: string
  /** Where it listens, without a slash at its end; undefined: nothing is sent to it. */
  readonly url: string | undefined
  /** It proves with this one who it is. */
  readonly asToken: string
  /** We prove with this one who we are. */
  readonly hsToken: string
  /** The user it acts as unless it names another one of its users. */
  readonly sender: UserId
  /** Whether its users, other than the sender, meet the rate limits. */
  readonly isRateLimited: boolean
  /** The networks that it connects, such as `irc`. */
  readonly protocols: readonly string[]
  /** Wants typing, receipts, presence and messages to devices. */
  readonly wantsEphemeral: boolean
  /** Wants changed device lists and the counts of its users' keys (MSC3202). */
  readonly wantsEncryption: boolean
  readonly users: readonly Namespace[]
  readonly aliases: readonly Namespace[]
  readonly rooms: readonly Namespace[]
}

/** The pattern of a namespace: it holds from the first character on, and need not reach the last, as other servers have it. */
export const namespacePattern = (regex: string): RegExp => new RegExp(`^(?:${regex})`)

/** Whether an application service is interested in the id. */
export const isWithin = (id: string, namespaces: readonly Namespace[]): boolean =>
  namespaces.some(({ pattern }) => pattern.test(id))

/** Whether nobody else may use the id. */
export const isExclusiveTo = (id: string, namespaces: readonly Namespace[]): boolean =>
  namespaces.some(({ isExclusive, pattern }) => isExclusive && pattern.test(id))

/**
 * Whether the messages to a user's devices go to the application service alone, and no device fetches them (MSC4203). One
 * that does not say that it encrypts by what it is told has its users fetch them from `/sync`, as bridges do unless they
 * are configured otherwise; and whom it shares with others may well be a person.
 */
export const receivesFor = ({ wantsEncryption, sender, users }: AppService, userId: string): boolean =>
  wantsEncryption && (sender === userId || isExclusiveTo(userId, users))
