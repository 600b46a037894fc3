import * as versions from './client/versions.ts'
import type { Route } from './route.ts'

/**
 * The route table. A family is a file of `client/`; each route that it exports is mounted, and the file is named here
 * once.
 */
export const clientRoutes: readonly Route[] = [versions].flatMap(routesOf)

function routesOf(family: Readonly<Record<string, unknown>>): Route[] {
  return Object.values(family).filter(isRoute)
}

const isRoute = (value: unknown): value is Route =>
  typeof value === 'object' && value !== null && 'spec' in value && 'handle' in value
