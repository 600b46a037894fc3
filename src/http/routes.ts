import * as account from './client/account.ts'
import * as devices from './client/devices.ts'
import * as login from './client/login.ts'
import * as logout from './client/logout.ts'
import * as register from './client/register.ts'
import * as versions from './client/versions.ts'
import type { Route } from './route.ts'

/** The files of `client/`, each a family of endpoints. Every route that one exports is served. */
const families: readonly object[] = [versions, login, logout, register, account, devices]

const isRoute = (value: unknown): value is Route =>
  typeof value === 'object' && value !== null && 'spec' in value && 'handle' in value

/** The route table of the client-server API. */
export const clientRoutes: readonly Route[] = families.flatMap((family) => Object.values(family).filter(isRoute))
