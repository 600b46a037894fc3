import { MatrixError } from '../../matrix/errors.ts'
import type { Clock } from '../../util/clock.ts'
import type { AppService } from './app-service.ts'
import type { AppServiceClient } from './app-service-client.ts'

interface Deps {
  readonly clock: Clock
  readonly client: AppServiceClient
}

const TIMEOUT_MS = 30_000
/** As much of an answer as helps to find what is wrong. */
const MAX_SHOWN_CHARACTERS = 1_000

/**
 * Whether an application service can be reached (spec: application service API, Pinging); returns the milliseconds that
 * it took. Throws `M_URL_NOT_SET`, `M_BAD_STATUS`, `M_CONNECTION_FAILED` or `M_CONNECTION_TIMEOUT`.
 */
export async function pingAppService(
  { clock, client }: Deps,
  service: AppService,
  transactionId: string | undefined,
): Promise<number> {
  if (service.url === undefined) throw new MatrixError('M_URL_NOT_SET', 'The application service has no URL')
  const body = JSON.stringify(transactionId === undefined ? {} : { transaction_id: transactionId })
  const started = clock.now()
  const asked = { method: 'POST', path: '/ping', body, timeoutMs: TIMEOUT_MS } as const
  const answer = await client.ask(service, asked).catch((error: unknown) => {
    const isLate = error instanceof Error && error.name === 'TimeoutError'
    if (isLate) throw new MatrixError('M_CONNECTION_TIMEOUT', 'The application service took too long')
    throw new MatrixError('M_CONNECTION_FAILED', 'The application service cannot be reached', { cause: error })
  })
  if (answer.status < 200 || answer.status > 299) {
    const fields = { status: answer.status, body: answer.body.slice(0, MAX_SHOWN_CHARACTERS) }
    throw new MatrixError('M_BAD_STATUS', `The application service answered ${answer.status}`, { fields })
  }
  return clock.now() - started
}
