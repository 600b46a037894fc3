import type { Config } from '../config/schema.ts'
import { Gate } from '../services/gate.ts'
import { scanByClamd } from '../services/media/scan/clamd.ts'
import { FileCheck } from '../services/media/scan/file-check.ts'
import { scanByIcap } from '../services/media/scan/icap.ts'
import type { Scan } from '../services/media/scan/scan.ts'
import type { Ground } from './ground.ts'

type Scanner = Exclude<Config['media']['scanner'], { kind: 'none' }>

const MAX_WAITING = 200

/** The virus scanner for new files; `undefined` where there is none. */
export function composeScanner(
  { media: { scanner } }: Config,
  { log, metrics }: Pick<Ground, 'log' | 'metrics'>,
): FileCheck | undefined {
  if (scanner.kind === 'none') return undefined
  const count = metrics.counter('files_refused_total', 'Files in which the virus scanner found something')
  return new FileCheck({
    scan: scanOf(scanner),
    gate: new Gate(scanner.max_concurrent, MAX_WAITING, 'Too many files are being checked at once'),
    timeoutMs: scanner.timeout,
    acceptsUnscanned: scanner.if_away === 'accept',
    onFinding: (finding) => {
      count()
      log.warn({ finding }, 'the virus scanner refused a file')
    },
    onAway: (err) =>
      log.error(
        { err, ifAway: scanner.if_away },
        'the virus scanner does not answer: mend it, or new files stay unchecked',
      ),
    onBack: () => log.info('the virus scanner answers again'),
  })
}

function scanOf(scanner: Scanner): Scan {
  if (scanner.kind === 'icap') return scanByIcap({ url: new URL(scanner.url), method: scanner.method })
  const { path, host, port } = scanner
  return scanByClamd(path === undefined ? { host, port } : { path })
}
