import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { Gate } from '../../src/services/gate.ts'

/** Work at a gate that ends when it is told to, and what has begun of it. */
function atGate(...limits: [maxRunning: number, maxWaiting: number, maxEach?: number]) {
  const [maxRunning, maxWaiting, maxEach] = limits
  const gate = new Gate(maxRunning, maxWaiting, 'Too many', maxEach)
  const begun: string[] = []
  const ends = new Map<string, () => void>()
  const ask = (name: string) => {
    const work = () => {
      begun.push(name)
      return new Promise<void>((resolve) => ends.set(name, resolve))
    }
    return gate.run(work, name.slice(0, 1)).catch((error: unknown) => `${name}: ${error}`)
  }
  const end = async (name: string) => {
    ends.get(name)?.()
    await turn()
  }
  return { ask, begun, end }
}

it('gives each their turn, whoever asked for how much', async () => {
  const { ask, begun, end } = atGate(2, 10)
  const asked = ['a1', 'a2', 'a3', 'a4', 'a5', 'b1', 'b2', 'c1'].map(ask)
  for (let done = 0; done < 8; done++) {
    await turn()
    await end(begun[done] ?? '')
  }
  await Promise.all(asked)
  expect(begun).toEqual(['a1', 'a2', 'a3', 'b1', 'c1', 'a4', 'b2', 'a5'])
})

it('refuses who has too much waiting, and nobody else for it', async () => {
  const { ask, begun, end } = atGate(1, 2)
  const asked = ['a1', 'a2', 'a3', 'a4', 'b1'].map(ask)
  expect(await asked[3]).toMatch(/^a4: .*Too many/)
  await end('a1')
  await end('a2')
  expect(begun).toEqual(['a1', 'a2', 'b1'])
  for (const name of ['b2', 'b3', 'c1', 'c2', 'd1', 'd2', 'e1', 'e2', 'f1', 'f2']) asked.push(ask(name))
  expect(await asked.at(-1)).toMatch(/Too many/) // all together
})

it('leaves room beside who may have only so much running', async () => {
  const { ask, begun, end } = atGate(4, 10, 2)
  const asked = ['a1', 'a2', 'a3', 'b1', 'c1', 'd1'].map(ask)
  await turn()
  expect(begun).toEqual(['a1', 'a2', 'b1', 'c1'])
  await end('b1')
  expect(begun.at(-1)).toBe('d1')
  await end('c1')
  expect(begun).toHaveLength(5)
  await end('a2')
  expect(begun.at(-1)).toBe('a3')
  for (const name of ['a1', 'a3', 'd1']) await end(name)
  await Promise.all(asked)
})
