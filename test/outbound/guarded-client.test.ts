import { once } from 'node:events'
import { createServer as createPlain, type RequestListener } from 'node:http'
import { createServer } from 'node:https'
import { type AddressInfo, connect, type Server } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { AddressRules, INNER_NETWORKS } from '../../src/outbound/address-rules.ts'
import { Dialer, type DialerDeps } from '../../src/outbound/dialer.ts'
import { GuardedClient } from '../../src/outbound/guarded-client.ts'
import { TestNetwork } from '../support/network.ts'
import { Authority, type Certificate } from '../support/tls.ts'

const BOUNDS = { maxBytes: 1000, timeoutMs: 2000, maxRedirects: 3 }
const GET = { method: 'GET' } as const

async function world(deps: Partial<DialerDeps> = {}) {
  const network = new TestNetwork()
  const authority = await Authority.create()
  const client = new GuardedClient(
    new Dialer({
      network,
      rules: new AddressRules(INNER_NETWORKS, []),
      tls: { ca: [authority.cert], client: undefined },
      proxy: undefined,
      ...deps,
    }),
  )
  onTestFinished(() => client.close())
  const listen = async (server: Server, address: string, port: number) => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => {
      server.close()
    })
    network.listen(address, port, (server.address() as AddressInfo).port)
  }
  /** An HTTPS server at a made-up public address, with a certificate for these names. */
  const serve = async (host: string, address: string, handle: RequestListener, certified = [host], port = 443) => {
    network.name(host, address)
    const server = createServer(await authority.issue(...certified), handle)
    onTestFinished(() => server.closeAllConnections())
    await listen(server, address, port)
  }
  const fetch = (url: string, bounds = BOUNDS) => client.fetch(new URL(url), GET, bounds)
  return { network, authority, client, serve, listen, fetch }
}

const say =
  (text: string): RequestListener =>
  (_req, res) =>
    res.end(text)
const redirect =
  (to: string): RequestListener =>
  (_req, res) =>
    res.writeHead(302, { location: to }).end()

it('fetches what is public', async () => {
  const { serve, fetch } = await world()
  await serve('a.test', '1.1.1.1', (req, res) => res.end(`${req.headers.host}${req.url}`))
  expect((await fetch('https://a.test/x?y=1')).body.toString()).toBe('a.test/x?y=1')
})

it.each([
  ['a name with a private address', 'https://inner.test/'],
  ['an address', 'https://127.0.0.1/'],
  ['an address in disguise', 'https://2130706433/'],
  ['an address in octal', 'https://0177.0.0.1/'],
  ['an IPv6 address', 'https://[::1]/'],
  ['an IPv4 address in its IPv6 form', 'https://[::ffff:127.0.0.1]/'],
  ['plain HTTP', 'http://inner.test/'],
])('does not connect to what must not be reached: %s', async (_what, url) => {
  const { network, fetch } = await world()
  network.name('inner.test', '10.0.0.1')
  await expect(fetch(url)).rejects.toThrow(/must not be reached|may be reached/)
  expect(network.attempts).toEqual([])
})

it.each(['https://10.0.0.1/', 'https://inner.test/', 'http://a.test/', 'file:///etc/passwd', 'https://[::1]/'])(
  'does not follow a redirect to %s',
  async (to) => {
    const { network, serve, fetch } = await world()
    network.name('inner.test', '192.168.0.1')
    await serve('a.test', '1.1.1.1', redirect(to))
    await expect(fetch('https://a.test/')).rejects.toThrow()
    expect(network.attempts).toEqual(['1.1.1.1:443'])
  },
)

it('uses of several addresses only those that may be reached', async () => {
  const { network, serve, fetch } = await world()
  await serve('a.test', '1.1.1.1', say('public'))
  network.name('a.test', '10.0.0.1', '1.1.1.1', '::1')
  expect((await fetch('https://a.test/')).body.toString()).toBe('public')
  expect(network.attempts).toEqual(['1.1.1.1:443'])
})

it('follows a few redirects, and no more', async () => {
  const { serve, fetch } = await world()
  await serve('a.test', '1.1.1.1', (req, res) => {
    const step = Number(req.url?.slice(1))
    if (step === 0) res.end('there')
    else res.writeHead(302, { location: `/${step - 1}` }).end()
  })
  expect((await fetch('https://a.test/3')).body.toString()).toBe('there')
  await expect(fetch('https://a.test/4')).rejects.toThrow('Too many redirects')
})

it.each([
  ['of another host', ['b.test']],
  ['of no host', ['1.1.1.1']],
])('refuses a certificate %s', async (_what, certified) => {
  const { serve, fetch } = await world()
  await serve('a.test', '1.1.1.1', say('secret'), certified)
  await expect(fetch('https://a.test/')).rejects.toThrow(/altnames|certificate/i)
})

it('refuses a certificate of an authority that is not trusted', async () => {
  const other = await Authority.create()
  const { serve, fetch } = await world({ tls: { ca: [other.cert], client: undefined } })
  await serve('a.test', '1.1.1.1', say('secret'))
  await expect(fetch('https://a.test/')).rejects.toThrow()
})

it('accepts an address that its certificate names, and sends no server name', async () => {
  const { network, authority, listen, fetch } = await world()
  const seen: unknown[] = []
  const server = createServer(await authority.issue('1.1.1.1'), say('here'))
  server.on('secureConnection', (socket) => seen.push(socket.servername))
  onTestFinished(() => server.closeAllConnections())
  await listen(server, '1.1.1.1', 8448)
  expect((await fetch('https://1.1.1.1:8448/')).body.toString()).toBe('here')
  expect(seen).toEqual([false])
  expect(network.lookups).toEqual([])
})

it('expects of a place that a service leads to the certificate of the host', async () => {
  const { client, serve } = await world()
  await serve('srv.test', '1.1.1.1', (req, res) => res.end(req.headers.host), ['a.test'], 4321)
  const destination = (tlsName: string) => ({
    scheme: 'https' as const,
    endpoints: [
      { host: 'away.test', port: 1 },
      { host: 'srv.test', port: 4321 },
    ],
    tlsName,
    hostHeader: tlsName,
  })
  const ask = (name: string) => client.request(destination(name), { ...GET, path: '/' }, BOUNDS)
  expect((await ask('a.test')).body.toString()).toBe('a.test')
  await expect(ask('srv.test')).rejects.toThrow(/altnames/)
})

it('shows its own certificate to who asks for one', async () => {
  const { network, authority, listen } = await world()
  const server = createServer(
    { ...(await authority.issue('a.test')), ca: authority.cert, requestCert: true, rejectUnauthorized: true },
    say('welcome'),
  )
  onTestFinished(() => server.closeAllConnections())
  network.name('a.test', '1.1.1.1')
  await listen(server, '1.1.1.1', 443)
  const ask = async (client: Certificate | undefined) => {
    const rules = new AddressRules(INNER_NETWORKS, [])
    const tls = { ca: [authority.cert], client }
    const guarded = new GuardedClient(new Dialer({ network, rules, tls, proxy: undefined }))
    onTestFinished(() => guarded.close())
    return (await guarded.fetch(new URL('https://a.test/'), GET, BOUNDS)).body.toString()
  }
  expect(await ask(await authority.issue('own.test'))).toBe('welcome')
  await expect(ask(undefined)).rejects.toThrow()
})

it('reads no more than it was asked to', async () => {
  const { serve, fetch } = await world()
  await serve('a.test', '1.1.1.1', (req, res) => {
    if (req.url === '/said') {
      res.writeHead(200, { 'content-length': '10000000' }).end(Buffer.alloc(10_000_000))
      return
    }
    const more = () => !res.destroyed && res.write(Buffer.alloc(1000), more)
    more()
  })
  await expect(fetch('https://a.test/said')).rejects.toThrow('larger than 1000 bytes')
  await expect(fetch('https://a.test/endless')).rejects.toThrow('larger than 1000 bytes')
})

it.each([
  ['never answers', () => {}],
  ['never ends', (_req, res) => res.writeHead(200).write('a')],
] satisfies [string, RequestListener][])('gives up on a server that %s', async (_what, handle) => {
  const { serve, fetch } = await world()
  await serve('a.test', '1.1.1.1', handle)
  await expect(fetch('https://a.test/', { ...BOUNDS, timeoutMs: 50 })).rejects.toThrow(/timeout|aborted/i)
})

it('goes through a proxy, which looks names up, but lets no blocked address through', async () => {
  const { network, authority, listen, serve } = await world()
  await serve('a.test', '1.1.1.1', say('through'))
  const asked: (string | undefined)[] = []
  const proxy = createPlain()
  proxy.on('connect', (req, socket) => {
    asked.push(`${req.headers['proxy-authorization']} ${req.url}`)
    const { host, port } = network.placeOf('1.1.1.1', 443)
    const out = connect({ host, port }, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      out.pipe(socket).pipe(out)
    })
    out.on('error', () => socket.destroy())
    socket.on('error', () => out.destroy())
  })
  network.name('proxy.test', '10.9.9.9')
  await listen(proxy, '10.9.9.9', 3128)
  const client = new GuardedClient(
    new Dialer({
      network,
      rules: new AddressRules(INNER_NETWORKS, []),
      tls: { ca: [authority.cert], client: undefined },
      proxy: new URL('http://user:pass@proxy.test:3128'),
    }),
  )
  onTestFinished(() => client.close())
  expect((await client.fetch(new URL('https://a.test/'), GET, BOUNDS)).body.toString()).toBe('through')
  expect(asked).toEqual([`Basic ${Buffer.from('user:pass').toString('base64')} a.test:443`])
  await expect(client.fetch(new URL('https://10.0.0.1/'), GET, BOUNDS)).rejects.toThrow('must not be reached')
  // As a server name has it, which nothing has parsed: the proxy might.
  const inner = ['10.0.0.1', '167772161', '0x7f.1', '0177.0.0.1', '127.0.0.1.', '[::1]', '[::ffff:127.0.0.1]']
  for (const host of [...inner, 'localhost', 'a.LOCALHOST', 'localhost.']) {
    const place = { scheme: 'https', endpoints: [{ host, port: 8448 }], tlsName: host, hostHeader: host } as const
    await expect(client.request(place, { ...GET, path: '/' }, BOUNDS)).rejects.toThrow(`must not be reached`)
  }
  expect(asked).toHaveLength(1)
})

it('keeps its connections', async () => {
  const { network, serve, fetch } = await world()
  await serve('a.test', '1.1.1.1', say('again'))
  for (let i = 0; i < 5; i++) await fetch('https://a.test/')
  expect(network.attempts.length).toBeLessThan(3)
})
