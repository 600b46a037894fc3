import type { IncomingMessage } from 'node:http'
import { BlockList, isIPv4, isIPv6 } from 'node:net'

/** Turns a request into the address it comes from, after trusted proxies. */
export type AddressOf = (req: IncomingMessage) => string

/** `trustedProxies`: addresses or networks (`10.0.0.0/8`) whose `X-Forwarded-For` is believed. */
export function addressReader(trustedProxies: readonly string[]): AddressOf {
  if (trustedProxies.length === 0) return peerOf
  const trusted = new BlockList()
  for (const entry of trustedProxies) addTo(trusted, entry)
  const isTrusted = (ip: string) => trusted.check(ip, isIPv6(ip) ? 'ipv6' : 'ipv4')
  return (req) => {
    let ip = peerOf(req)
    const forwarded = req.headers['x-forwarded-for']
    if (typeof forwarded !== 'string') return ip
    // From the nearest hop outwards; what stands left of the first stranger, the stranger wrote.
    for (const hop of forwarded.split(',').reverse()) {
      if (!isTrusted(ip)) return ip
      const address = plain(hop.trim())
      if (!isIPv4(address) && !isIPv6(address)) return ip
      ip = address
    }
    return ip
  }
}

function addTo(list: BlockList, entry: string): void {
  const [address = '', bits] = entry.split('/')
  const family = isIPv6(address) ? 'ipv6' : 'ipv4'
  if (bits === undefined) list.addAddress(address, family)
  else list.addSubnet(address, Number(bits), family)
}

/** A Unix socket has no address: who reaches it is local. */
const peerOf = (req: IncomingMessage): string => plain(req.socket.remoteAddress ?? '127.0.0.1')

/** IPv4 in its IPv6 clothes is IPv4. */
const plain = (address: string): string => (address.startsWith('::ffff:') ? address.slice(7) : address)
