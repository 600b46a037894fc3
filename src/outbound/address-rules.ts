import { BlockList, isIPv6 } from 'node:net'

/**
 * Addresses that lead into the house, or nowhere: this machine, private networks, link-local, documentation, multicast
 * and reserved ones, and the forms of IPv6 in which an IPv4 address can hide. IPv4-mapped IPv6 counts as its IPv4.
 */
export const INNER_NETWORKS: readonly string[] = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/96',
  '::ffff:0:0:0/96',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '100::/64',
  '2001::/32',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
  'fc00::/7',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
]

/** Which addresses may be connected to. */
export class AddressRules {
  readonly #blocked: BlockList
  readonly #allowed: BlockList

  /** Addresses or networks, such as `10.0.0.0/8`; an exception wins over what is blocked. */
  constructor(blocked: readonly string[], exceptions: readonly string[]) {
    this.#blocked = listOf(blocked)
    this.#allowed = listOf(exceptions)
  }

  allows(address: string): boolean {
    const plain = address.replace(/%.*$/, '') // without the zone of a link-local address
    const family = isIPv6(plain) ? 'ipv6' : 'ipv4'
    return this.#allowed.check(plain, family) || !this.#blocked.check(plain, family)
  }
}

function listOf(entries: readonly string[]): BlockList {
  const list = new BlockList()
  for (const entry of entries) {
    const [address = '', bits] = entry.split('/')
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return list
}
