import { readFileSync } from 'node:fs'
import { rootCertificates } from 'node:tls'
import type { Config } from '../config/schema.ts'
import { AddressRules, INNER_NETWORKS } from '../outbound/address-rules.ts'
import { Dialer, type TlsTrust } from '../outbound/dialer.ts'
import { GuardedClient } from '../outbound/guarded-client.ts'
import type { Ground } from './ground.ts'

/** The one client for places that others name. */
export function composeOutbound({ outbound }: Config, { network, lifetime }: Ground): GuardedClient {
  const rules = new AddressRules([...INNER_NETWORKS, ...outbound.block], outbound.allow)
  const proxy = outbound.proxy === undefined ? undefined : new URL(outbound.proxy)
  const client = new GuardedClient(new Dialer({ network, rules, tls: trustOf(outbound), proxy }))
  lifetime.add({ close: () => client.close() })
  return client
}

/** For addresses that the administrator chose: anything may be reached, and none of it through the proxy. */
export function composeTrustedClient({ outbound }: Config, { network, lifetime }: Ground): GuardedClient {
  const rules = new AddressRules([], [])
  const client = new GuardedClient(new Dialer({ network, rules, tls: trustOf(outbound), proxy: undefined }))
  lifetime.add({ close: () => client.close() })
  return client
}

/** For links: partners let our server in, not whatever a user asks it to fetch, so their addresses count as private. */
export function composeWebClient({ outbound, media }: Config, { network, lifetime }: Ground): GuardedClient {
  const rules = new AddressRules([...INNER_NETWORKS, ...outbound.block], media.previews.allow_addresses)
  const proxy = outbound.proxy === undefined ? undefined : new URL(outbound.proxy)
  const tls = { ...trustOf(outbound), client: undefined } // a stranger is not shown who we are
  const client = new GuardedClient(new Dialer({ network, rules, tls, proxy }))
  lifetime.add({ close: () => client.close() })
  return client
}

/** The certificate authorities that are trusted, PEM; undefined: the usual ones. */
export function authoritiesOf({ authorities_file: file, only_these_authorities: isAll }: Config['outbound']) {
  if (file === undefined && !isAll) return undefined
  const own = file === undefined ? [] : [readFileSync(file, 'utf8')]
  return isAll ? own : [...rootCertificates, ...own]
}

function trustOf(outbound: Config['outbound']): TlsTrust {
  const { client_certificate_file: cert, client_key_file: key } = outbound
  return {
    ca: authoritiesOf(outbound),
    client:
      cert === undefined || key === undefined
        ? undefined
        : { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') },
  }
}
