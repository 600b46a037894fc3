import { type Registration, readRegistrations } from '../config/registration-file.ts'
import type { Config } from '../config/schema.ts'
import { userIdOf } from '../matrix/ids.ts'
import { type AppService, type Namespace, namespacePattern } from '../services/appservices/app-service.ts'
import { AppServices } from '../services/appservices/app-services.ts'

/** The application services that the configuration names. */
export function composeAppServices({ server_name: serverName, application_services: listed }: Config): AppServices {
  const registrations = readRegistrations(listed.map(({ registration_file: file }) => file))
  return new AppServices(
    serverName,
    registrations.map((registration) => appServiceOf(registration, serverName)),
  )
}

const appServiceOf = (registration: Registration, serverName: string): AppService => ({
  id: registration.id,
  url: registration.url?.replace(/\/+$/, ''),
  asToken: registration.as_token,
  hsToken: registration.hs_token,
  sender: userIdOf(registration.sender_localpart, serverName),
  isRateLimited: registration.rate_limited ?? true,
  protocols: registration.protocols ?? [],
  wantsEphemeral:
    registration.receive_ephemeral ??
    registration['de.sorunome.msc2409.push_ephemeral'] ??
    registration.push_ephemeral ??
    false,
  wantsEncryption: registration['org.matrix.msc3202'] ?? false,
  users: namespacesOf(registration.namespaces.users),
  aliases: namespacesOf(registration.namespaces.aliases),
  rooms: namespacesOf(registration.namespaces.rooms),
})

const namespacesOf = (list: Registration['namespaces']['users']): Namespace[] =>
  list.map(({ exclusive, regex }) => ({ isExclusive: exclusive, pattern: namespacePattern(regex) }))
