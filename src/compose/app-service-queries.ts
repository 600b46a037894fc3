import type { Config } from '../config/schema.ts'
import type { AppService } from '../services/appservices/app-service.ts'
import { AppServiceClient } from '../services/appservices/app-service-client.ts'
import type { AppServices } from '../services/appservices/app-services.ts'
import { pingAppService } from '../services/appservices/ping.ts'
import { AppServiceQueries } from '../services/appservices/queries.ts'
import { ThirdParty } from '../services/appservices/third-party.ts'
import type { Ground } from './ground.ts'
import { composeTrustedClient } from './outbound.ts'

/** What application services are asked. */
export function composeAppServiceQueries(config: Config, ground: Ground, appServices: AppServices) {
  const { db, clock } = ground
  const client = new AppServiceClient(composeTrustedClient(config, ground))
  return {
    appServiceClient: client,
    appServiceQueries: new AppServiceQueries({ db, appServices, client }),
    thirdParty: new ThirdParty({ clock, appServices, client }),
    pingAppService: (service: AppService, transactionId: string | undefined) =>
      pingAppService({ clock, client }, service, transactionId),
  }
}
