import { createInterface } from 'node:readline/promises'
import { type Readable, Writable } from 'node:stream'
import type { ReadStream } from 'node:tty'

/** Where a command speaks to a person or a script. */
export interface Terminal {
  /** A line of the result. */
  print(line: string): void
  /** A line beside the result: what goes on, what is wrong. */
  note(line: string): void
  /** Asks for a password without showing it, twice; takes the first line of standard input when nobody sits there. */
  readPassword(): Promise<string>
}

/** What a person may see instead of a stack: the command ends with this line. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed'
}

export function systemTerminal(stdin: ReadStream & Readable, stdout: Writable, stderr: Writable): Terminal {
  return {
    print: (line) => stdout.write(`${line}\n`),
    note: (line) => stderr.write(`${line}\n`),
    readPassword: async () => {
      if (!stdin.isTTY) return firstLine(stdin)
      const password = await askHidden(stdin, stderr, 'Password: ')
      if ((await askHidden(stdin, stderr, 'Again: ')) === password) return password
      throw new CommandFailed('The two passwords differ.')
    },
  }
}

async function firstLine(input: Readable): Promise<string> {
  for await (const line of createInterface({ input })) return line
  throw new CommandFailed('There is no password on standard input.')
}

async function askHidden(input: ReadStream, output: Writable, question: string): Promise<string> {
  output.write(question)
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const reader = createInterface({ input, output: nowhere, terminal: true })
  const stop = new AbortController()
  reader.once('SIGINT', () => stop.abort())
  try {
    return await reader.question('', { signal: stop.signal })
  } catch {
    throw new CommandFailed('Cancelled.') // only the signal ends a question early
  } finally {
    reader.close()
    output.write('\n')
  }
}
