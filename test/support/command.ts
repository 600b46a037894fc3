import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { runCommand } from '../../src/cli/program.ts'
import type { Terminal } from '../../src/cli/terminal.ts'

/** The command line in a directory of its own. */
export interface CommandLine {
  /** Where the configuration is, or will be. */
  readonly configFile: string
  /** Runs `bongsu` with these arguments; `password` is what a person would type. */
  run(...args: string[]): Promise<{ code: number; out: string }>
  /** Begins `bongsu start`, and resolves once it serves; `stop` ends it and gives its exit code. */
  start(): Promise<{ out: string; stop(): Promise<number> }>
  password: string
}

export function commandLine(): CommandLine {
  const directory = mkdtempSync(join(tmpdir(), 'bongsu-cli-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const configFile = join(directory, 'data', 'config.yaml')
  const begin = (args: readonly string[], stop: AbortSignal, onLine: (lines: string[]) => void) => {
    const lines: string[] = []
    const add = (line: string) => {
      lines.push(line)
      onLine(lines)
    }
    const terminal: Terminal = { print: add, note: add, readPassword: async () => line.password }
    const done = runCommand(['node', 'bongsu', ...args], { terminal, stop, defaults: { configFile } })
    return { lines, done }
  }
  const line: CommandLine = {
    configFile,
    password: 'correct horse battery staple',
    run: async (...args) => {
      const { lines, done } = begin(args, new AbortController().signal, () => {})
      return { code: await done, out: lines.join('\n') }
    },
    start: async () => {
      const stop = new AbortController()
      const end = () => stop.abort()
      let started = (_lines: string[]) => {}
      const serving = new Promise<string[]>((resolve) => {
        started = resolve
      })
      const { lines, done } = begin(['start'], stop.signal, (soFar) => {
        if (soFar.at(-1)?.includes(' serves ')) started(soFar)
      })
      await Promise.race([serving, done])
      onTestFinished(() => {
        end()
        return done.then(() => {})
      })
      return {
        out: lines.join('\n'),
        stop: () => {
          end()
          return done
        },
      }
    },
  }
  return line
}
