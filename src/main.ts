const OLDEST_NODE: readonly [number, number] = [22, 14]
const EXIT_WITHIN_MS = 5000

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
  process.stderr.write(`Bongsu needs Node ${OLDEST_NODE.join('.')} or newer; this is ${process.versions.node}.\n`)
  process.exit(1)
}

// Only now: an older Node could not even read what these import.
const { nameSourcesInErrors } = await import('./cli/error-sources.ts')
nameSourcesInErrors(new URL('.', import.meta.url).href)
const { runCommand } = await import('./cli/program.ts')
const { systemTerminal } = await import('./cli/terminal.ts')

process.umask(0o077) // whatever the server writes is its own

const stop = new AbortController()
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  // Once: a second signal ends the process at once.
  process.once(signal, () => {
    stop.abort(signal)
    setTimeout(() => process.exit(1), EXIT_WITHIN_MS).unref()
  })
}

const terminal = systemTerminal(process.stdin, process.stdout, process.stderr)
const defaults = { configFile: process.env.BONGSU_CONFIG ?? 'data/config.yaml' }
process.exit(await runCommand(process.argv, { terminal, stop: stop.signal, defaults }))
