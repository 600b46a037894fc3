import type { AddressInfo } from 'node:net'
import { composeAppServices } from './compose/app-services.ts'
import { type Edges, layGround } from './compose/ground.ts'
import { composeListeners } from './compose/listeners.ts'
import { composeServices, type Services } from './compose/services.ts'
import type { Config } from './config/schema.ts'

export type { Edges } from './compose/ground.ts'

export interface Server {
  readonly services: Services
  /** Starts the background work, then listens. */
  start(): Promise<void>
  /** Listens only; what works in the background stays asleep. */
  listen(): Promise<void>
  /** Where it listens, in the order of the configuration; the socket for the command line is the last. */
  addresses(): (AddressInfo | string)[]
  /**
   * Cuts nothing that was accepted: long polls are answered, background work ends, then the database closes. What is not
   * answered after `graceMs` is cut.
   */
  close(graceMs?: number): Promise<void>
}

/** Builds everything once, in order: each part can use only what stands above it. */
export async function createServer(config: Config, edges: Edges): Promise<Server> {
  const appServices = composeAppServices(config)
  const ground = await layGround(config, edges)
  const services = await composeServices(config, ground, appServices)
  const http = composeListeners(config, ground, services)
  return {
    services,
    start: async () => {
      await ground.lifetime.start()
      await http.listen()
    },
    listen: () => http.listen(),
    addresses: () => http.addresses(),
    close: async (graceMs) => {
      await http.close(graceMs)
      await ground.lifetime.close()
    },
  }
}
