import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import { lockDatabase } from '../../src/storage/lock.ts'
import { DatabaseInUse } from '../../src/storage/unsuitable.ts'
import { type FreshDatabase, freshPostgres, freshSqlite, postgresUrl } from '../support/fresh-database.ts'

const neverLost = (error: unknown) => {
  throw error
}

const suites: [string, () => Promise<FreshDatabase>][] = [['SQLite', freshSqlite]]
if (postgresUrl !== undefined) suites.push(['PostgreSQL', () => freshPostgres(postgresUrl as string)])

describe.each(suites)('the lock of a database (%s)', (_, fresh) => {
  const closing: (() => unknown)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  async function database(): Promise<FreshDatabase> {
    const made = await fresh()
    closing.push(() => made.remove())
    return made
  }

  it('keeps a second one out until it is given back', async () => {
    const { config } = await database()
    const lock = await lockDatabase(config, neverLost)
    await expect(lockDatabase(config, neverLost)).rejects.toThrow(DatabaseInUse)
    await expect(lockDatabase(config, neverLost)).rejects.toThrow('end the other one')
    await lock.close()
    const next = await lockDatabase(config, neverLost)
    await next.close()
  })

  it('does not concern another database', async () => {
    const [one, other] = [await database(), await database()]
    const locks = [await lockDatabase(one.config, neverLost), await lockDatabase(other.config, neverLost)]
    for (const lock of locks) await lock.close()
  })

  it('ends with a process that is killed', async () => {
    const { config } = await database()
    const script = `
      import { lockDatabase } from ${JSON.stringify(import.meta.resolve('../../src/storage/lock.ts'))}
      await lockDatabase(${JSON.stringify(config)}, () => {})
      process.stdout.write('locked')
      setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    await expect(lockDatabase(config, neverLost)).rejects.toThrow(DatabaseInUse)
    child.kill('SIGKILL')
    await once(child, 'exit')
    const lock = await freed(() => lockDatabase(config, neverLost))
    await lock.close()
  })
})

/** PostgreSQL hears of the end of a client a moment later. */
async function freed<T>(take: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await take()
    } catch (error) {
      if (attempt === 200) throw error
    }
  }
}
