/** Where mail goes out. */
export interface SmtpServer {
  readonly host: string
  readonly port: number
  readonly security: 'starttls' | 'tls' | 'none'
  readonly login: { readonly user: string; readonly pass: string } | undefined
  readonly from: string
  /** The certificate authorities that it is trusted by, PEM; undefined: the usual ones. */
  readonly ca: string[] | undefined
}

interface Mail {
  readonly recipient: string
  readonly subject: string
  readonly text: string
}

type Delivery = { readonly is: 'taken' } | { readonly is: 'refused' | 'postponed'; readonly reason: string }

const CONNECT_MS = 10_000
const SILENCE_MS = 30_000
/** Programs that answer for people who are away leave such a mail alone (RFC 3834). */
const HEADERS = { 'Auto-Submitted': 'auto-generated' }

/**
 * Sends mail by one mail server, a connection for each. What it says about addresses stays out of the reasons, because
 * those go into the log.
 */
export function smtpDelivery(server: SmtpServer): (mail: Mail) => Promise<Delivery> {
  return async ({ recipient, subject, text }) => {
    try {
      const transport = await transportTo(server)
      const to = { name: '', address: recipient }
      await transport.sendMail({ from: server.from, to, subject, text, headers: HEADERS })
      return { is: 'taken' }
    } catch (error) {
      const { code, responseCode, command } = failureOf(error)
      const reason = [code, command, responseCode].filter((part) => part !== undefined).join(' ')
      // 5xx to the recipient or the text is final; a login or a greeting that fails is the administrator's to mend.
      const isFinal = (responseCode ?? 0) >= 500 && (code === 'EENVELOPE' || code === 'EMESSAGE')
      return { is: isFinal ? 'refused' : 'postponed', reason }
    }
  }
}

/** Connects and logs in, without sending anything; throws why that fails. */
export async function tryMailServer(server: SmtpServer): Promise<void> {
  await (await transportTo(server)).verify()
}

/** The library comes with the first mail: most servers never send one, and start the sooner. */
async function transportTo({ host, port, security, login, ca }: SmtpServer) {
  const { createTransport } = await import('nodemailer')
  return createTransport({
    host,
    port,
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    ...(login && { auth: login }),
    ...(ca && { tls: { ca } }),
    connectionTimeout: CONNECT_MS,
    greetingTimeout: CONNECT_MS,
    socketTimeout: SILENCE_MS,
    // Texts of ours, never a file or an address that somebody else chose.
    disableFileAccess: true,
    disableUrlAccess: true,
  })
}

function failureOf(error: unknown): { code?: string; responseCode?: number; command?: string } {
  if (!(error instanceof Error)) return {}
  return {
    code: 'code' in error ? String(error.code) : error.name,
    ...('responseCode' in error && typeof error.responseCode === 'number' && { responseCode: error.responseCode }),
    ...('command' in error && typeof error.command === 'string' && { command: error.command }),
  }
}
