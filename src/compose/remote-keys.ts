import type { Config } from '../config/schema.ts'
import type { FederationClient } from '../federation/client.ts'
import type { FederationPolicy } from '../federation/policy/policy.ts'
import type { Sender } from '../federation/sending/sender.ts'
import type { Edus } from '../services/edus.ts'
import type { DeviceLists } from '../services/keys/device-lists.ts'
import type { KeyClaims } from '../services/keys/key-claims.ts'
import { forgetOutOfSight } from '../services/keys/remote/forget-lists.ts'
import { Lanes } from '../services/keys/remote/lanes.ts'
import { ListRepairs } from '../services/keys/remote/list-repairs.ts'
import { ListUpdates } from '../services/keys/remote/list-updates.ts'
import { Newcomers } from '../services/keys/remote/newcomers.ts'
import { OwnUpdates } from '../services/keys/remote/own-updates.ts'
import { PublishedKeys } from '../services/keys/remote/published-keys.ts'
import { RemoteClaims } from '../services/keys/remote/remote-claims.ts'
import { RemoteLists } from '../services/keys/remote/remote-lists.ts'
import { RemoteMessages } from '../services/keys/remote/remote-messages.ts'
import { RemoteQueries } from '../services/keys/remote/remote-queries.ts'
import { ServedKeys } from '../services/keys/remote/served-keys.ts'
import type { ToDevice } from '../services/keys/to-device.ts'
import type { Append } from '../services/rooms/append.ts'
import type { PartialRooms } from '../services/rooms/remote/partial/partial-rooms.ts'
import { deleteInboundMessagesBefore } from '../storage/keys/to-device.ts'
import { DAY_MS, HOUR_MS } from '../util/clock.ts'
import type { Ground } from './ground.ts'

interface Parts {
  federation: {
    client: FederationClient
    policy: FederationPolicy
    sender: Sender
    /** Has `listener` told of servers that speak to us. */
    onHeard(listener: (server: string) => void): void
  }
  append: Append
  edus: Edus
  partialRooms: Pick<PartialRooms, 'onWhole'>
  deviceLists: DeviceLists
  claims: KeyClaims
  toDevice: ToDevice
}

/** Keys and messages between devices of different servers. */
export function composeRemoteKeys(
  config: Config,
  { db, clock, stream, serverName, random, log, lifetime, every, forget }: Ground,
  { federation, append, edus, partialRooms, deviceLists: lists, claims, toDevice }: Parts,
) {
  const { sender, policy } = federation
  const { queries } = federation.client
  const lanes = new Lanes(clock)
  const remoteLists = new RemoteLists({ db, stream, lists, serverName })
  const repairs = new ListRepairs({
    db,
    clock,
    queries,
    lanes,
    remoteLists,
    mayFederate: (server) => policy.mayFederate(server),
    random: () => Buffer.from(random(4)).readUInt32LE() / 2 ** 32,
    onCrash: (err) => log.error({ err }, 'reading the device lists of another server failed'),
  })
  lifetime.add(repairs)
  federation.onHeard((server) => repairs.onHeard(server))
  const onStale = (server: string) => repairs.wake(server)

  const updates = new ListUpdates({ db, stream, lists, serverName, onStale })
  const messages = new RemoteMessages({ toDevice, remoteLists, serverName, onStale })
  edus.on('m.device_list_update', (origin, content) => updates.takeDevice(origin, content), 'before events')
  edus.on('m.signing_key_update', (origin, content) => updates.takeKeys(origin, content), 'before events')
  partialRooms.onWhole((roomNid, joinPos) => updates.onWhole(roomNid, joinPos))
  edus.on('m.direct_to_device', (origin, content) => messages.take(origin, content), 'before events')

  const showsNames = config.federation.device_names
  const published = new PublishedKeys(db, showsNames)
  const own = new OwnUpdates({ sender, published, serverName })
  lists.onChange((tx, owner, change, stamp) => own.onChange(tx, owner, change, stamp))
  const newcomers = new Newcomers({
    db,
    sender,
    published,
    serverName,
    onFailure: (err) => log.error({ err }, 'telling newly met servers of device lists failed'),
  })
  append.onAppended((appended) => newcomers.onAppended(appended))
  lifetime.add(newcomers)

  every(HOUR_MS, 'forgetting device lists of whom no room is shared with', () => forgetOutOfSight(db, serverName))
  forget(30 * DAY_MS, 'ids of messages of other servers', deleteInboundMessagesBefore)
  return {
    remoteQueries: new RemoteQueries({ queries, lanes, remoteLists, onUnread: onStale }),
    remoteClaims: new RemoteClaims({ queries, lanes }),
    servedKeys: new ServedKeys({ db, serverName, published, claims, showsNames }),
  }
}
