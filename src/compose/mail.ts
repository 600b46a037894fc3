import type { Config } from '../config/schema.ts'
import { type SmtpServer, smtpDelivery } from '../outbound/smtp.ts'
import { EmailValidations } from '../services/accounts/email/email-validations.ts'
import { MailQueue } from '../services/mail/mail-queue.ts'
import { HOUR_MS } from '../util/clock.ts'
import type { Ground } from './ground.ts'
import { authoritiesOf } from './outbound.ts'

/** To one address: five mails at once, and one every ten minutes in the long run. */
const MAILS_TO_ONE_ADDRESS = { burst: 5, perSecond: 1 / 600 }
/** Where the link of a mail leads. */
const PAGE = '/_matrix/client/unstable/bongsu.email/submit_token'

/** The mail server; undefined where the configuration names none. */
export function mailServerOf({ mail, server_name: serverName, outbound }: Config): SmtpServer | undefined {
  const { host, port, security, user, password, from = `noreply@${serverName.replace(/:\d+$/, '')}` } = mail
  if (host === undefined) return undefined
  const login = user === undefined || password === undefined ? undefined : { user, pass: password }
  return { host, port, security, login, from, ca: authoritiesOf(outbound) }
}

/** Mail, and what confirms addresses by it; undefined where the configuration names no mail server. */
export function composeMail(
  config: Config,
  { db, clock, random, serverName, rateLimits, log, lifetime, every }: Ground,
): EmailValidations | undefined {
  const { link_lifetime: lifetimeMs } = config.mail
  const { public_url: publicUrl } = config
  const server = mailServerOf(config)
  if (server === undefined || publicUrl === undefined) return undefined
  const queue = new MailQueue({
    db,
    clock,
    lifetimeMs,
    deliver: smtpDelivery(server),
    onUndelivered: ({ reason, willRetry }) =>
      log.warn({ reason, willRetry }, 'the mail server did not take a mail; see mail in the configuration'),
    onCrash: (err) => log.error({ err }, 'sending mail failed'),
  })
  lifetime.add(queue)
  const validations = new EmailValidations({
    db,
    clock,
    random,
    serverName,
    lifetimeMs,
    revealsAddresses: config.mail.reveal_addresses,
    queue,
    countMail: (address) => rateLimits.countKey(`mail ${address}`, MAILS_TO_ONE_ADDRESS),
    linkTo: (query) => `${publicUrl}${PAGE}?${query}`,
  })
  every(HOUR_MS, 'forgetting unconfirmed addresses', () => validations.expire())
  return validations
}
