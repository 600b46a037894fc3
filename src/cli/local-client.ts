import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { loadConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import type { JsonObject } from '../matrix/json.ts'
import { createServer } from '../server.ts'
import { edgesOf } from './edges.ts'
import { CommandFailed, type Terminal } from './terminal.ts'

/** Asks a server through its socket; throws `CommandFailed` with the reason when it refuses. */
export type Ask = (method: string, path: string, body?: object) => Promise<JsonObject>

/**
 * Gives `work` a way to ask the running server. Where none runs, one is made for the time of the work that serves
 * nobody else: the database is never open twice.
 */
export async function withServer<T>(
  configFile: string,
  terminal: Terminal,
  work: (ask: Ask) => Promise<T>,
): Promise<T> {
  const config = loadConfig(configFile)
  const ask: Ask = (method, path, body) => askSocket(config.paths.socket_file, method, path, body)
  if (await isRunning(config)) return work(ask)
  const server = await createServer({ ...config, listeners: [] }, edgesOf(terminal))
  try {
    await server.listen()
    return await work(ask)
  } finally {
    await server.close()
  }
}

/** Whether a server answers on the socket. */
export async function isRunning({ paths }: Config): Promise<boolean> {
  try {
    await askSocket(paths.socket_file, 'GET', '/health')
    return true
  } catch (error) {
    // A server that says why it cannot serve is running all the same.
    return error instanceof CommandFailed
  }
}

/** `bongsu health`. */
export async function checkHealth(configFile: string, terminal: Terminal): Promise<void> {
  const { paths } = loadConfig(configFile)
  try {
    await askSocket(paths.socket_file, 'GET', '/health')
  } catch (error) {
    if (error instanceof CommandFailed) throw error
    throw new CommandFailed('The server is not running.')
  }
  terminal.print('The server is well.')
}

async function askSocket(socketPath: string, method: string, path: string, body?: object): Promise<JsonObject> {
  const request = httpRequest({ socketPath, method, path, agent: false })
  request.end(body && JSON.stringify(body))
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  const answer: JsonObject = JSON.parse(await text(response))
  if (response.statusCode !== 200) throw new CommandFailed(String(answer.error ?? answer.reason))
  return answer
}
