import { existsSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Config } from '../config/schema.ts'
import { FederationClient } from '../federation/client.ts'
import { ServerDiscovery } from '../federation/discovery.ts'
import { fetchServerKeys } from '../federation/keys/fetch-keys.ts'
import { KeyRing } from '../federation/keys/key-ring.ts'
import { ListSource } from '../federation/policy/list-source.ts'
import { FederationPolicy } from '../federation/policy/policy.ts'
import { Reach } from '../federation/reach.ts'
import { sendTransaction } from '../federation/requests/transactions.ts'
import { type DestinationState, Sender } from '../federation/sending/sender.ts'
import { SignedClient } from '../federation/signed-client.ts'
import { WellKnown } from '../federation/well-known.ts'
import { parseOldKeys } from '../matrix/old-key.ts'
import type { GuardedClient } from '../outbound/guarded-client.ts'
import { OwnKeys } from '../services/federation/own-keys.ts'
import { RemoteDirectory } from '../services/federation/remote-directory.ts'
import { RequestAuth } from '../services/federation/request-auth.ts'
import { destinationStatus } from '../services/federation/status.ts'
import { version } from '../util/version.ts'
import type { Ground } from './ground.ts'
import { composeOutbound } from './outbound.ts'

const LIST_BOUNDS = { maxBytes: 4 * 1024 * 1024, timeoutMs: 30_000, maxRedirects: 5 }

/** Other servers: with whom we talk, where they are, how we prove who we are and know who they are. */
export function composeFederation(config: Config, ground: Ground) {
  const { db, clock, log, serverName, signingKey, network, random } = ground
  const guardedClient = composeOutbound(config, ground)
  const policy = composePolicy(config, ground, guardedClient)
  const mayFederate = (name: string) => policy.mayFederate(name)
  const mayBelieve = (name: string) => policy.mayBelieve(name)
  const reach = new Reach(clock)
  const signedClient = new SignedClient({
    reach,
    serverName,
    signingKey,
    client: guardedClient,
    discovery: new ServerDiscovery({
      network,
      wellKnown: new WellKnown({ client: guardedClient, clock }),
      clock,
      random: () => Buffer.from(random(4)).readUInt32LE() / 2 ** 32,
    }),
    userAgent: `Bongsu/${version}`,
    mayFederate,
    mayBelieve,
    onContact: (server, failure) => {
      if (failure === undefined) for (const listener of heard) listener(server)
      else log.info({ server, failure }, 'another server cannot be reached')
    },
  })
  const sender = composeSender(ground, signedClient, policy)
  const heard: ((server: string) => void)[] = [(server) => sender.onHeard(server)]
  const keyRing = new KeyRing({
    db,
    clock,
    mayBelieve,
    pinnedKey: (name) => policy.pinnedKey(name),
    fetch: (name) => fetchServerKeys(signedClient, config.federation.notaries, name),
  })
  const oldKeysFile = config.paths.old_keys_file
  const ownKeys = new OwnKeys({
    serverName,
    signingKey,
    oldKeys: existsSync(oldKeysFile) ? parseOldKeys(readFileSync(oldKeysFile, 'utf8')) : [],
    clock,
    // Anybody may ask, so that an answer would say with whom we talk, and have us look: only where that is no secret.
    answersOf: async (names, until) => (policy.isOpen ? keyRing.answersOf(names, until) : []),
  })
  const requestAuth = new RequestAuth({
    serverName,
    mayFederate,
    verifyKeys: (name, keyIds, atTs) => keyRing.verifyKeys(name, keyIds, atTs),
    now: () => clock.now(),
    onHeard: (server) => {
      keyRing.forgive(server)
      reach.onHeard(server)
      for (const listener of heard) listener(server)
    },
  })
  const client = new FederationClient(signedClient, guardedClient)
  return {
    policy,
    client,
    keyRing,
    guardedClient,
    sender,
    /** Has `listener` told of servers that speak to us. */
    onHeard: (listener: (server: string) => void) => {
      heard.push(listener)
    },
    /** What routes may use. */
    services: {
      remoteDirectory: new RemoteDirectory(client),
      ownKeys,
      requestAuth,
      federationStatus: (server?: string) => destinationStatus(ground, server),
      software: { name: 'Bongsu', version },
    },
  }
}

function composeSender(
  { db, clock, log, serverName, random, metrics, lifetime }: Ground,
  client: SignedClient,
  policy: FederationPolicy,
): Sender {
  const sender = new Sender({
    db,
    clock,
    serverName,
    random: () => Buffer.from(random(4)).readUInt32LE() / 2 ** 32,
    mayFederate: (name) => policy.mayFederate(name),
    isSuspended: (name) => policy.isSuspended(name),
    send: (server, txnId, transaction, signal) => sendTransaction(client, server, txnId, transaction, signal),
    onDropped: (server, part, reason) =>
      log.error({ server, part, reason }, 'a server refuses an event or a message: it was not sent'),
    onShed: (server) => log.info({ server }, 'typing, presence and receipts for a server are too many: the oldest go'),
    onCrash: (err) => log.error({ err }, 'sending to another server failed'),
  })
  lifetime.add(sender)
  metrics.gauge('federation_destinations', 'Servers being sent to, or waited for', () => sender.running)
  const perServer = (name: string, help: string, read: (state: DestinationState) => number) =>
    metrics.gauges(name, help, 'server', () => sender.states().map((state) => [state.serverName, read(state)]))
  perServer('federation_lag_seconds', 'Since when something waits to be sent', ({ waitingSince }) =>
    waitingSince === undefined ? 0 : (clock.now() - waitingSince) / 1000,
  )
  perServer('federation_failures', 'Tries in a row that failed', ({ failures }) => failures)
  return sender
}

function composePolicy(config: Config, ground: Ground, client: GuardedClient): FederationPolicy {
  const { serverName } = ground
  const { mode, servers, signed_list: signedList, unlisted_members: unlistedMembers } = config.federation
  const fixed = { serverName, mode, servers, unlistedMembers }
  if (!signedList || mode !== 'list') return new FederationPolicy({ ...fixed, signedList: undefined })
  const { path, url, key, refresh } = signedList
  const read =
    url === undefined
      ? () => readFile(path ?? '', 'utf8')
      : async () => {
          const { status, body } = await client.fetch(new URL(url), { method: 'GET' }, LIST_BOUNDS)
          if (status !== 200) throw new Error(`the answer has status ${status}`)
          return body.toString('utf8')
        }
  const onRefused = (reason: string) => ground.log.warn({ reason }, 'the federation list was not taken')
  const source = new ListSource({ db: ground.db, clock: ground.clock, publicKey: key, read, onRefused })
  ground.lifetime.add({ start: () => source.start() })
  ground.every(refresh, 'refreshing the federation list', () => source.refresh())
  return new FederationPolicy({ ...fixed, signedList: source })
}
