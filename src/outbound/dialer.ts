import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { isIP, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext, type SecureContext } from 'node:tls'
import { addressOf, withoutBrackets } from '../matrix/server-name.ts'
import type { AddressRules } from './address-rules.ts'
import type { Network } from './network.ts'

/** Certificates of a network that has its own, PEM. */
export interface TlsTrust {
  /** Authorities that are trusted; undefined: those that Node trusts. */
  readonly ca: readonly string[] | undefined
  /** Shown to servers that ask for a client certificate. */
  readonly client: { readonly cert: string; readonly key: string } | undefined
}

export interface DialerDeps {
  readonly network: Network
  readonly rules: AddressRules
  readonly tls: TlsTrust
  /** An HTTP proxy that all connections go through: `http://user:password@host:port`. */
  readonly proxy: URL | undefined
}

/** Nothing that may be reached is there. */
export class AddressBlocked extends Error {
  override readonly name = 'AddressBlocked'
}

/**
 * Opens connections to places that others name. A name is resolved once and its addresses are checked; the connection
 * goes to exactly those, so that a name cannot lead elsewhere between check and use.
 */
export class Dialer {
  readonly #deps: DialerDeps
  // Reading all the authorities takes some 6 ms: once, not for each connection.
  #context: SecureContext | undefined

  constructor(deps: DialerDeps) {
    this.#deps = deps
  }

  /**
   * A TCP connection. Behind a proxy the proxy resolves the name, and only addresses given as such are checked, in
   * whatever spelling the proxy may understand.
   */
  async dial(hostname: string, port: number, signal: AbortSignal): Promise<Socket> {
    const { network, rules, proxy } = this.#deps
    const host = withoutBrackets(addressOf(hostname) ?? hostname)
    const family = isIP(host)
    if (family !== 0 && !rules.allows(host)) throw new AddressBlocked(`${host} must not be reached`)
    if (proxy && isThisMachine(host) && !rules.allows('127.0.0.1'))
      throw new AddressBlocked(`${host} must not be reached`)
    if (proxy) return throughProxy(network, proxy, hostname, port, signal)
    const found = family === 0 ? await network.addresses(host) : [{ address: host, family }]
    const addresses = found.filter(({ address }) => rules.allows(address))
    if (addresses.length === 0) throw new AddressBlocked(`No address of ${host} may be reached`)
    return connected(network.connect(host, addresses, port), signal)
  }

  /** TLS over a connection, with the server that the certificate must be of: a host name, or an address. */
  async secure(socket: Socket, tlsName: string, signal: AbortSignal): Promise<Socket> {
    this.#context ??= secureContext(this.#deps.tls)
    const host = withoutBrackets(tlsName)
    const secured = connectTls({
      socket,
      host, // what the certificate is compared with, where no server name is sent
      ...(isIP(host) === 0 && { servername: host }),
      ALPNProtocols: ['http/1.1'],
      secureContext: this.#context,
    })
    return connected(secured, signal, 'secureConnect')
  }
}

/** The name of every machine for itself (RFC 6761). */
const isThisMachine = (host: string): boolean => /^(?:.*\.)?localhost\.?$/i.test(host)

const secureContext = ({ ca, client }: TlsTrust): SecureContext =>
  createSecureContext({ ...(ca && { ca: [...ca] }), ...client })

async function connected(socket: Socket, signal: AbortSignal, event = 'connect'): Promise<Socket> {
  try {
    await once(socket, event, { signal })
    return socket
  } catch (error) {
    socket.on('error', () => {}) // what else befalls a connection that is given up
    socket.destroy()
    throw error
  }
}

/** The proxy's own address is the administrator's choice, so no rule applies to it. */
async function throughProxy(
  network: Network,
  proxy: URL,
  hostname: string,
  port: number,
  signal: AbortSignal,
): Promise<Socket> {
  const proxyHost = withoutBrackets(proxy.hostname)
  const proxyPort = Number(proxy.port) || 80
  const toProxy = await connected(network.connect(proxyHost, await network.addresses(proxyHost), proxyPort), signal)
  const credentials = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`
  const request = httpRequest({
    createConnection: () => toProxy,
    method: 'CONNECT',
    path: `${hostname}:${port}`,
    headers: {
      host: `${hostname}:${port}`,
      ...(credentials !== ':' && { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` }),
    },
    signal,
  })
  request.end()
  const [response, socket] = (await once(request, 'connect', { signal })) as [IncomingMessage, Socket]
  if (response.statusCode === 200) return socket
  socket.destroy()
  throw new Error(`The proxy answered ${response.statusCode}`)
}
