import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { roomPath } from '../support/client.ts'
import { FakeClock } from '../support/clock.ts'
import { joinVia } from '../support/federated.ts'
import { create, pick } from './acts.ts'
import { agree } from './agree.ts'
import { Nation, type Site } from './nation.ts'
import { Records } from './records.ts'
import { heal, quiet } from './settle.ts'

const HOUR_MS = 3_600_000
const YEAR_MS = 365 * 24 * HOUR_MS

/** Servers with a person each, all in one room. */
async function shared(sites: number, clocks?: readonly FakeClock[]) {
  const nation = await Nation.found(sites, 1, clocks)
  onTestFinished(() => nation.end())
  const roomId = (await create(nation, pick(nation.people, 0), '12')) ?? ''
  for (const { client } of nation.people) await joinVia(client, roomId, 's1.test')
  await quiet(nation)
  return { nation, roomId }
}

/** Nobody reaches the server, nor does it reach anybody. */
function isolate({ world, sites }: Nation, { address }: Site): void {
  for (const other of sites) {
    world.network.cut(address, other.address)
    world.network.cut(other.address, address)
  }
}

/** Everybody says something, and changes something, so many times. */
async function talk(nation: Nation, roomId: string, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    await Promise.all(
      nation.people.map(async (person, index) => {
        await nation.say(person, roomId)
        const path = `${roomPath(roomId)}/state/org.example.note/${i % 3}`
        nation.acknowledge(person, roomId, await nation.attempt(() => person.client.put(path, { by: index, i })))
      }),
    )
  }
}

function copyDatabase(from: string, to: string): void {
  const files = (directory: string) => readdirSync(directory).filter((name) => name.startsWith('bongsu.db'))
  for (const name of files(to)) rmSync(join(to, name))
  for (const name of files(from)) cpSync(join(from, name), join(to, name))
}

/** All is as if nothing had happened; nobody was thrown out. */
async function expectAgreement(nation: Nation, roomId: string): Promise<void> {
  await heal(nation)
  expect(await agree(nation, roomId)).toBe(0)
  expect(nation.errors).toEqual([])
}

describe('servers in one room', () => {
  it('agree after a partition in which all of them wrote for hours', async () => {
    const { nation, roomId } = await shared(3)
    for (const site of nation.sites) isolate(nation, site)
    for (let i = 0; i < 5; i++) {
      await talk(nation, roomId, 5)
      nation.advance(HOUR_MS)
    }
    await expectAgreement(nation, roomId)
  }, 60_000)

  it('agree although each of them was started anew in the middle of everything', async () => {
    const { nation, roomId } = await shared(3)
    for (const site of nation.sites) await Promise.all([talk(nation, roomId, 6), nation.restart(site)])
    await expectAgreement(nation, roomId)
  }, 60_000)

  it('agree once their clocks do, which were years apart', async () => {
    const early = new FakeClock()
    const { nation, roomId } = await shared(2, [early])
    early.advance(5 * YEAR_MS)
    await talk(nation, roomId, 5)
    nation.clock.advance(early.now() - nation.clock.now())
    await expectAgreement(nation, roomId)
  }, 60_000)

  it('tell one whose last user was thrown out while it was away', async () => {
    const { nation, roomId } = await shared(2)
    const [first, second] = nation.people
    if (!first || !second) throw new Error('There is nobody')
    isolate(nation, second.site)
    for (let i = 0; i < 3; i++) {
      await talk(nation, roomId, 2)
      nation.advance(2 * HOUR_MS)
    }
    await first.client.post(`${roomPath(roomId)}/kick`, { user_id: second.userId })
    await heal(nation)
    expect(second.site.records.joined(roomId)).toEqual([first.userId])
    expect((await second.client.get('/v3/joined_rooms')).joined_rooms).toEqual([])
  }, 60_000)

  it('come together by joining anew where one alone heard of its end, from a server that took the rest for gone', async () => {
    const { nation, roomId } = await shared(3)
    const [first, second, third] = nation.people
    if (!first || !second || !third) throw new Error('There is nobody')
    isolate(nation, first.site)
    await first.client.post(`${roomPath(roomId)}/kick`, { user_id: third.userId })
    await first.client.post(`${roomPath(roomId)}/kick`, { user_id: second.userId })
    await first.client.post(`${roomPath(roomId)}/leave`)
    await third.client.post(`${roomPath(roomId)}/leave`)
    // Later than the leave: of two at the same time chance decides which one stays.
    nation.advance(1_000)
    await joinVia(third.client, roomId, second.site.name)
    await heal(nation)
    expect(second.site.records.joined(roomId)).not.toContain(second.userId)
    expect(third.site.records.joined(roomId)).toContain(second.userId)
    expect(await agree(nation, roomId)).toBeGreaterThan(0)
    expect(third.site.records.joined(roomId)).toEqual(second.site.records.joined(roomId))
  }, 60_000)

  it('lose nothing of what is said while one comes back that others never saw leave', async () => {
    const nation = await Nation.found(2, 2)
    onTestFinished(() => nation.end())
    const [one, two, host] = nation.people
    if (!one || !two || !host) throw new Error('There is nobody')
    const roomId = (await create(nation, host, '11')) ?? ''
    for (const { client } of nation.people) await joinVia(client, roomId, 's2.test')
    await quiet(nation)
    nation.world.network.cut(host.site.address, one.site.address)
    for (const { client } of [one, two]) await client.post(`${roomPath(roomId)}/leave`)
    nation.world.network.mend(host.site.address, one.site.address)
    let isBack = false
    const joining = joinVia(one.client, roomId, 's2.test').finally(() => {
      isBack = true
    })
    while (!isBack) await nation.say(two, roomId)
    await joining
    await heal(nation)
    await agree(nation, roomId)
    expect(nation.errors).toEqual([])
  }, 60_000)

  it('take back one that was restored from an old backup, with what it sent since', async () => {
    const { nation, roomId } = await shared(2)
    const [, second] = nation.sites
    if (!second) throw new Error('There is no second server')
    const backup = mkdtempSync(join(tmpdir(), 'bongsu-backup-'))
    onTestFinished(() => rmSync(backup, { recursive: true }))
    const { directory } = second.server
    await second.server.close()
    copyDatabase(directory, backup)
    await nation.restart(second)
    await talk(nation, roomId, 5)
    await quiet(nation)
    nation.advance(24 * HOUR_MS)
    await second.server.close()
    second.records.close()
    copyDatabase(backup, directory)
    second.records = new Records(directory)
    await nation.restart(second)
    await talk(nation, roomId, 2)
    await expectAgreement(nation, roomId)
  }, 60_000)
})
