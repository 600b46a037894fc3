import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { NameLookup } from '../../src/outbound/name-lookup.ts'

const FOUND = [{ address: '10.0.0.1', family: 4 }]

/** Two lookups at a time, as Node has it; names that begin with `slow` get no answer until they are given up. */
function machine() {
  const asked: string[] = []
  const waiting: (() => void)[] = []
  let free = 2
  const lookup = async (hostname: string) => {
    asked.push(hostname)
    if (free > 0) free--
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      if (hostname.startsWith('slow')) await new Promise<void>((resolve) => setTimeout(resolve, 200).unref())
      if (hostname.startsWith('slow')) throw new Error('nobody answers')
      return FOUND
    } finally {
      const next = waiting.shift()
      if (next) next()
      else free++
    }
  }
  const probed: string[] = []
  const isAnswered = async (hostname: string) => {
    probed.push(hostname)
    return !hostname.startsWith('slow') && hostname !== 'hosts-file.test'
  }
  return { names: new NameLookup({ lookup, isAnswered }), asked, probed }
}

it('looks up names that nobody answers for one at a time, and keeps nobody else waiting', async () => {
  const { names, asked } = machine()
  const slow = Array.from({ length: 1001 }, (_, i) => names.addresses(`slow${i}.test`).catch((error) => error.message))
  await sleep(10)
  const started = performance.now()
  expect(await names.addresses('quick.test')).toEqual(FOUND)
  expect(performance.now() - started).toBeLessThan(150)
  expect(asked).toEqual(['slow0.test', 'quick.test'])
  expect(await Promise.all([slow[0], slow[1000]])).toEqual([
    'nobody answers',
    'Too many names are being looked up that nobody answers for',
  ])
})

it('asks at once for what was found at once, also where only the machine knows it, and once for all who wait', async () => {
  const { names, asked, probed } = machine()
  for (let times = 0; times < 2; times++) {
    const both = [names.addresses('hosts-file.test'), names.addresses('hosts-file.test')]
    expect(await Promise.all(both)).toEqual([FOUND, FOUND])
  }
  expect(probed).toEqual(['hosts-file.test'])
  expect(asked).toEqual(['hosts-file.test', 'hosts-file.test'])
})
