import { connect, createServer, type Socket } from 'node:net'
import pg from 'pg'
import { onTestFinished } from 'vitest'

/** A way to PostgreSQL that a test watches. */
export interface Way {
  readonly url: string
  /** How often a client spoke, having heard the database. */
  journeys: number
  /** Whether the connection breaks instead of telling that something was committed. */
  losesCommits: boolean
}

/** It ends with the test. */
export async function wayToPostgres(url: string): Promise<Way> {
  const { host, port } = new pg.Client(url)
  const dial = () => (host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host))
  const way = { url: '', journeys: 0, losesCommits: false }
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const database = dial()
    let hasHeard = true
    client.on('data', (bytes) => {
      if (hasHeard) way.journeys++
      hasHeard = false
      database.write(bytes)
    })
    database.on('data', (bytes) => {
      hasHeard = true
      if (way.losesCommits && bytes.includes('COMMIT')) client.destroy()
      else client.write(bytes)
    })
    for (const [one, other] of [
      [client, database],
      [database, client],
    ] as const) {
      sockets.add(one)
      one.on('error', () => {})
      one.on('close', () => other.destroy())
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  const target = new URL(url)
  target.searchParams.delete('host')
  target.hostname = '127.0.0.1'
  target.port = typeof address === 'object' ? String(address?.port) : ''
  way.url = target.href
  return way
}
