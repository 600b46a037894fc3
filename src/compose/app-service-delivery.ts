import type { AppServiceClient } from '../services/appservices/app-service-client.ts'
import type { AppServices } from '../services/appservices/app-services.ts'
import type { Audience } from '../services/appservices/audience.ts'
import { AppServiceDelivery } from '../services/appservices/delivery.ts'
import { EncryptionNews } from '../services/appservices/encryption-news.ts'
import { EphemeralNews } from '../services/appservices/ephemeral-news.ts'
import type { Identities } from '../services/appservices/identities.ts'
import { PassingNews } from '../services/appservices/passing-news.ts'
import type { DeviceKeys } from '../services/keys/device-keys.ts'
import type { DeviceLists } from '../services/keys/device-lists.ts'
import type { KeyClaims } from '../services/keys/key-claims.ts'
import type { ToDevice } from '../services/keys/to-device.ts'
import type { Presence } from '../services/presence/presence.ts'
import type { Receipts } from '../services/receipts.ts'
import type { LiveRooms } from '../services/rooms/live-rooms.ts'
import type { ClientEvents } from '../services/rooms/view/client-events.ts'
import type { Typing } from '../services/typing.ts'
import type { Ground } from './ground.ts'

interface Sources {
  appServiceClient: AppServiceClient
  audience: Audience
  identities: Identities
  liveRooms: LiveRooms
  clientEvents: ClientEvents
  typing: Typing
  receipts: Receipts
  presence: Presence
  deviceKeys: DeviceKeys
  deviceLists: DeviceLists
  keyClaims: KeyClaims
  toDevice: ToDevice
}

/** What application services are told. */
export function composeAppServiceDelivery(
  { db, clock, random, log, metrics, lifetime }: Ground,
  appServices: AppServices,
  sources: Sources,
) {
  const { appServiceClient: client, audience, identities, liveRooms: rooms, clientEvents, deviceKeys } = sources
  const passing = new PassingNews()
  const delivery = new AppServiceDelivery({
    db,
    clock,
    rooms,
    clientEvents,
    deviceKeys,
    passing,
    appServices,
    client,
    now: () => clock.now(),
    newTxnId: () => Buffer.from(random(12)).toString('base64url'),
    onFailure: ({ id }, reason) => log.warn({ appservice: id, reason }, 'an application service did not take its news'),
    onCrash: (err) => log.error({ err }, 'telling application services failed'),
  })
  lifetime.add(delivery)
  metrics.gauge(
    'appservices_served',
    'Application services that are being sent to, or waited for',
    () => delivery.running,
  )
  audience.onQueued((service) => delivery.wake(service))
  identities.onHeard((service) => delivery.onHeard(service))
  const wake = delivery.wake.bind(delivery)
  const news = { appServices, audience, passing, wake }
  if (appServices.all.some(({ wantsEphemeral }) => wantsEphemeral)) {
    const onFailure = (err: unknown) => log.error({ err }, 'telling application services of typing and the like failed')
    new EphemeralNews({ ...news, onFailure }).listenTo(sources)
  }
  if (appServices.all.some(({ wantsEphemeral, wantsEncryption }) => wantsEphemeral || wantsEncryption)) {
    new EncryptionNews(news).listenTo(sources)
  }
  return { appServiceDelivery: delivery }
}
