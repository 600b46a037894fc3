import { expect, it } from 'vitest'
import { transact } from '../../src/storage/db.ts'
import { internNames, nameNids, namesOf } from '../../src/storage/names.ts'
import { withDatabases } from '../support/databases.ts'

withDatabases('names', (open) => {
  it('gives a text one number for ever', async () => {
    const db = await open()
    const first = await transact(db, (tx) => internNames(tx, ['@a:x', 'm.room.member']))
    const again = await transact(db, (tx) => internNames(tx, ['m.room.member', '@b:x', '@a:x']))
    expect(first.size).toBe(2)
    expect(again.get('@a:x')).toBe(first.get('@a:x'))
    expect(again.get('m.room.member')).toBe(first.get('m.room.member'))
    expect(new Set(again.values()).size).toBe(3)
  })

  it('knows only what was interned', async () => {
    const db = await open()
    const made = await transact(db, (tx) => internNames(tx, ['', 'ㅎㄱㄷ']))
    expect(await nameNids(db, ['ㅎㄱㄷ', 'absent'])).toEqual(new Map([['ㅎㄱㄷ', made.get('ㅎㄱㄷ')]]))
    expect(await namesOf(db, made.values())).toEqual(new Map([...made].map(([text, nid]) => [nid, text])))
  })

  it('forgets the names of a transaction that was undone', async () => {
    const db = await open()
    const undone = transact(db, async (tx) => {
      await internNames(tx, ['gone'])
      await nameNids(tx, ['gone'])
      throw new Error('undo')
    })
    await expect(undone).rejects.toThrow('undo')
    expect(await nameNids(db, ['gone'])).toEqual(new Map())
  })

  it('gives the same numbers to transactions that intern at once', async () => {
    const db = await open()
    const texts = Array.from({ length: 20 }, (_, i) => `@user${i}:x`)
    const made = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        transact(db, (tx) => internNames(tx, i % 2 === 0 ? texts : texts.toReversed())),
      ),
    )
    for (const names of made) expect(new Map([...names].sort())).toEqual(new Map([...(made[0] ?? [])].sort()))
  })
})
