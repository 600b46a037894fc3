import { expect, it } from 'vitest'
import { AddressRules, INNER_NETWORKS } from '../../src/outbound/address-rules.ts'

const rules = new AddressRules(INNER_NETWORKS, ['10.20.0.0/16', 'fd00:1::/32'])

it.each([
  '127.0.0.1',
  '0.0.0.0',
  '10.1.2.3',
  '100.64.0.1',
  '169.254.169.254',
  '172.31.255.255',
  '192.168.1.1',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:127.0.0.1',
  '::ffff:10.1.2.3',
  '64:ff9b::7f00:1',
  '2002:7f00:1::',
  '::127.0.0.1',
  '::ffff:0:10.1.2.3',
  '2001:0:7f00:1::',
  '3fff::1',
  'fd12::1',
  'fe80::1',
  'fe80::1%eth0',
  'ff02::1',
])('blocks %s', (address) => {
  expect(rules.allows(address)).toBe(false)
})

it.each(['1.1.1.1', '172.32.0.1', '192.169.0.1', '2001:4860::8888', '10.20.3.4', '::ffff:10.20.3.4', 'fd00:1::5'])(
  'allows %s',
  (address) => {
    expect(rules.allows(address)).toBe(true)
  },
)
