import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openDatabase } from '../../src/storage/db.ts'
import { StorageAway } from '../../src/storage/failure.ts'
import { DatabaseUnsuitable } from '../../src/storage/unsuitable.ts'
import { postgresUrl } from '../support/fresh-database.ts'

async function administrate(url: string, statement: string): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  await client.query(statement).finally(() => client.end())
}

describe.skipIf(postgresUrl === undefined)('a PostgreSQL database that cannot serve', () => {
  const url = postgresUrl ?? ''

  it('is refused when it sorts text by the rules of a language, and the message says how to make it anew', async () => {
    const name = `test_${randomBytes(8).toString('hex')}`
    await administrate(
      url,
      `create database ${name} encoding 'UTF8' locale_provider icu icu_locale 'en' locale 'C' template template0`,
    )
    onTestFinished(() => administrate(url, `drop database ${name}`))
    const opening = openDatabase({ kind: 'postgres', url: Object.assign(new URL(url), { pathname: name }).href })
    await expect(opening).rejects.toThrow(DatabaseUnsuitable)
    await expect(opening).rejects.toThrow(`create database "${name}" encoding 'UTF8' locale 'C'`)
  })

  it('is away when nobody listens there', async () => {
    const opening = openDatabase({ kind: 'postgres', url: 'postgres://postgres@127.0.0.1:1/none' })
    await expect(opening).rejects.toThrow(StorageAway)
  })

  it('fails a transaction whose connection breaks, and serves the next one', async () => {
    const db = await openDatabase({ kind: 'postgres', url, maxConnections: 2 })
    onTestFinished(() => db.destroy())
    const backend = async (tx: typeof db) =>
      (await tx.selectNoFrom((eb) => eb.fn<number>('pg_backend_pid', []).as('pid')).executeTakeFirstOrThrow()).pid
    const broken = db.transaction().execute(async (tx) => {
      await administrate(url, `select pg_terminate_backend(${await backend(tx)})`)
      await backend(tx)
    })
    await expect(broken).rejects.toThrow(StorageAway)
    expect(await backend(db)).toBeGreaterThan(0)
  })
})
