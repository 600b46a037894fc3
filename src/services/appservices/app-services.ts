import { MatrixError } from '../../matrix/errors.ts'
import { type RoomAlias, serverOf, type UserId } from '../../matrix/ids.ts'
import { lruCache } from '../../util/lru.ts'
import { type AppService, isExclusiveTo, isWithin } from './app-service.ts'

const MAX_CACHED_USERS = 50_000
const NONE: readonly AppService[] = []

/** The registered application services, and whose users and aliases are whose. */
export class AppServices {
  readonly all: readonly AppService[]
  readonly #serverName: string
  readonly #byToken: ReadonlyMap<string, AppService>
  readonly #ofUser = lruCache<string, readonly AppService[]>(MAX_CACHED_USERS)

  constructor(serverName: string, all: readonly AppService[]) {
    this.all = all
    this.#serverName = serverName
    this.#byToken = new Map(all.map((service) => [service.asToken, service]))
  }

  get isEmpty(): boolean {
    return this.all.length === 0
  }

  /** Whose token it is. */
  byToken(asToken: string): AppService | undefined {
    return this.#byToken.get(asToken)
  }

  /** Whose token it is; throws `M_MISSING_TOKEN` or `M_UNKNOWN_TOKEN`. */
  withToken(asToken: string | undefined): AppService {
    if (asToken === undefined) throw new MatrixError('M_MISSING_TOKEN', 'Missing the token of an application service')
    const service = this.byToken(asToken)
    if (!service) throw new MatrixError('M_UNKNOWN_TOKEN', 'This is not the token of an application service')
    return service
  }

  /** The application services that have this user: local ones only (spec: Registration, note on the users namespace). */
  ofUser(userId: string): readonly AppService[] {
    if (this.isEmpty || serverOf(userId) !== this.#serverName) return NONE
    let found = this.#ofUser.get(userId)
    if (!found) {
      found = this.all.filter((service) => service.sender === userId || isWithin(userId, service.users))
      this.#ofUser.set(userId, found)
    }
    return found
  }

  hasUser(service: AppService, userId: string): boolean {
    return this.ofUser(userId).includes(service)
  }

  /** Whether an application service, other than this one, has a user id for itself. */
  isUserTaken(userId: UserId, by?: AppService): boolean {
    return this.ofUser(userId).some(
      (service) => service !== by && (service.sender === userId || isExclusiveTo(userId, service.users)),
    )
  }

  /**
   * Throws `M_EXCLUSIVE` when somebody may not make or take away an alias: one in the exclusive namespace of an
   * application service that is not the user's, or, for an application service, one outside of its own namespaces.
   */
  checkAlias({ userId, appservice }: Claimant, alias: RoomAlias): void {
    if (appservice && !isWithin(alias, appservice.aliases)) {
      throw new MatrixError('M_EXCLUSIVE', 'The alias is not in the namespaces of this application service')
    }
    const isTaken = this.all.some(
      (service) => isExclusiveTo(alias, service.aliases) && service !== appservice && service.sender !== userId,
    )
    if (isTaken) throw new MatrixError('M_EXCLUSIVE', 'This alias belongs to an application service')
  }
}

/** Who wants an alias; a route's `Requester` is one. */
export interface Claimant {
  readonly userId: UserId
  readonly appservice?: AppService | undefined
}
