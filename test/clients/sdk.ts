import {
  ClientEvent,
  createClient,
  InteractiveAuth,
  type IStartClientOpts,
  type MatrixClient,
  type RegisterResponse,
  type Room,
  SyncState,
} from 'matrix-js-sdk'
import type { GeneratedSecretStorageKey } from 'matrix-js-sdk/lib/crypto-api/index.js'
import { expect, onTestFinished } from 'vitest'

const PASSWORD = 'correct horse battery staple'

/** What an encrypting client has of its user beside the password. */
export interface Keys {
  /** With which the secrets that the user keeps on the server can be read. */
  recoveryKey?: GeneratedSecretStorageKey
}

export interface ClientOptions extends IStartClientOpts {
  /** Makes the client encrypt. */
  readonly keys?: Keys
}

/** Registers as applications do, by whatever stages the server asks for, and syncs until the test ends. */
export async function signUp(url: string, username: string, options?: ClientOptions): Promise<MatrixClient> {
  const stranger = createClient({ baseUrl: url })
  const registration = new InteractiveAuth<RegisterResponse>({
    matrixClient: stranger,
    doRequest: (auth) => stranger.registerRequest({ username, password: PASSWORD, ...(auth && { auth }) }),
    stateUpdated: (stage) => {
      throw new Error(`The server wants ${stage}, for which nobody is here`)
    },
    requestEmailToken: () => Promise.reject(new Error('The server wants an email address')),
  })
  return startSyncing(url, await registration.attemptAuth(), options)
}

/** Logs in on another device, and syncs until the test ends. */
export async function logIn(url: string, user: string, options?: ClientOptions): Promise<MatrixClient> {
  const identifier = { type: 'm.id.user', user } as const
  const request = { type: 'm.login.password', identifier, password: PASSWORD } as const
  return startSyncing(url, await createClient({ baseUrl: url }).loginRequest(request), options)
}

interface Session {
  readonly user_id: string
  readonly access_token?: string
  readonly device_id?: string
}

async function startSyncing(
  url: string,
  session: Session,
  { keys, ...options }: ClientOptions = {},
): Promise<MatrixClient> {
  const { user_id: userId, access_token: accessToken, device_id: deviceId } = session
  if (accessToken === undefined || deviceId === undefined) throw new Error('The server did not log us in')
  const client = createClient({
    ...{ baseUrl: url, userId, accessToken, deviceId, timelineSupport: true },
    ...(keys && { cryptoCallbacks: { getSecretStorageKey: async (asked) => openedBy(keys, Object.keys(asked.keys)) } }),
  })
  onTestFinished(() => client.stopClient())
  if (keys) await client.initRustCrypto({ useIndexedDB: false })
  const prepared = new Promise<void>((resolve, reject) => {
    client.on(ClientEvent.Sync, (state, _before, data) => {
      if (state === SyncState.Prepared) resolve()
      if (state === SyncState.Error) reject(data?.error)
    })
  })
  await client.startClient({ threadSupport: true, ...options })
  await prepared
  return client
}

function openedBy({ recoveryKey }: Keys, [keyId]: readonly string[]): [string, Uint8Array<ArrayBuffer>] | null {
  return keyId === undefined || recoveryKey === undefined ? null : [keyId, recoveryKey.privateKey]
}

/** Expects what a client sees, once its own sync has brought it. */
export const eventually = <T>(see: () => T) => expect.poll(see, { interval: 5, timeout: 5_000 })

/** The room as this client knows it. */
export function roomOf(client: MatrixClient, roomId: string): Room {
  const room = client.getRoom(roomId)
  if (room === null) throw new Error(`${client.getUserId()} does not know ${roomId}`)
  return room
}
