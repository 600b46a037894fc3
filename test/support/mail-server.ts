import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { SMTPServer } from 'smtp-server'
import { onTestFinished } from 'vitest'
import type { Certificate } from './tls.ts'

/** A mail as it arrived. */
export interface Arrived {
  readonly to: string
  /** The headers as they were sent. */
  readonly head: string
  /** The text, decoded as far as these tests need it. */
  readonly text: string
}

/** A real mail server, which takes mail for everybody unless a test says otherwise. */
export class MailServer {
  readonly port: number
  readonly got: Arrived[] = []
  /** The reply code with which recipients are refused. */
  refusal: number | undefined
  readonly #arrivals: (() => void)[] = []

  private constructor(port: number) {
    this.port = port
  }

  /** @param tls its certificate, for STARTTLS; left out: it knows no TLS */
  static async start(tls?: Certificate): Promise<MailServer> {
    const server = new SMTPServer({
      authOptional: true,
      ...(tls ?? { disabledCommands: ['STARTTLS'] }),
      onRcptTo: (_address, _session, answer) => {
        const { refusal } = mailServer
        if (refusal === undefined) return answer()
        mailServer.#tell()
        answer(Object.assign(new Error('Refused'), { responseCode: refusal }))
      },
      onData: async (stream, session, answer) => {
        const raw = await text(stream)
        const [head = '', ...body] = raw.split('\r\n\r\n')
        const to = session.envelope.rcptTo[0]?.address ?? ''
        mailServer.got.push({ to, head, text: decoded(head, body.join('\r\n\r\n')) })
        answer()
        mailServer.#tell()
      },
    })
    const listening = server.listen(0, '127.0.0.1')
    await once(listening, 'listening')
    const mailServer: MailServer = new MailServer((listening.address() as AddressInfo).port)
    onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())))
    return mailServer
  }

  /** The section `mail` of a configuration that uses it. */
  get config() {
    return { host: '127.0.0.1', port: this.port, security: 'none' } as const
  }

  /** Resolves with the next mail that arrives or is refused (then undefined). */
  async next(): Promise<Arrived | undefined> {
    const before = this.got.length
    await new Promise<void>((resolve) => this.#arrivals.push(resolve))
    return this.got[before]
  }

  #tell(): void {
    for (const arrived of this.#arrivals.splice(0)) arrived()
  }
}

/** The body of a mail of one part. */
function decoded(head: string, body: string): string {
  if (/^content-transfer-encoding: base64/im.test(head)) return Buffer.from(body, 'base64').toString()
  const joined = body.replaceAll(/=\r\n/g, '')
  return decodeURIComponent(joined.replaceAll('%', '%25').replaceAll(/=([0-9A-F]{2})/g, '%$1'))
}

/** The link in a mail, without its server. */
export const linkIn = (mail: Arrived | undefined): string => {
  const [, path = ''] = /https:\/\/m\.example\.org(\/\S+)/.exec(mail?.text ?? '') ?? []
  return path
}
