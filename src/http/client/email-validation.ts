import { z } from 'zod'
import type { Services } from '../../compose/services.ts'
import { MatrixError } from '../../matrix/errors.ts'
import type { Purpose } from '../../services/mail/mail-texts.ts'
import { htmlPage } from '../html-page.ts'
import { firstParam } from '../query.ts'
import { route } from '../route.ts'
import { opaque } from './account-input.ts'

const paths = (suffix: string) => ['v3', 'r0'].map((version) => `/_matrix/client/${version}${suffix}`)

/** Throws where the mail would be for nothing. */
const checks: Readonly<Record<Purpose, (services: Services) => void>> = {
  register: ({ registration }) => registration.checkTakesEmail(),
  password: ({ ownAccount }) => ownAccount.checkMayChangePassword(),
  add: () => {},
}

const emailToken = (id: string, suffix: string, purpose: Purpose) =>
  route(
    {
      id: `client.${id}`,
      method: 'POST',
      path: paths(`${suffix}/email/requestToken`),
      auth: 'none',
      limit: 'register',
      // A `next_link` is not followed: mail of ours leads to no page that a stranger has chosen.
      body: z.object({ client_secret: opaque, email: z.string(), send_attempt: z.int() }),
    },
    async ({ body }, services) => {
      const { validations } = services.thirdPartyIds
      checks[purpose](services)
      const { email: address, client_secret: clientSecret, send_attempt: sendAttempt } = body
      return { sid: await validations.request({ purpose, address, clientSecret, sendAttempt }) }
    },
  )

export const requestTokenToRegisterEmail = emailToken('requestTokenToRegisterEmail', '/register', 'register')
export const requestTokenToResetPasswordEmail = emailToken(
  'requestTokenToResetPasswordEmail',
  '/account/password',
  'password',
)
export const requestTokenTo3PIDEmail = emailToken('requestTokenTo3PIDEmail', '/account/3pid', 'add')

/** Nobody sends text messages here. */
const phoneToken = (id: string, suffix: string) =>
  route(
    {
      id: `client.${id}`,
      method: 'POST',
      path: paths(`${suffix}/msisdn/requestToken`),
      auth: 'none',
      limit: 'register',
    },
    async () => {
      throw new MatrixError('M_THREEPID_MEDIUM_NOT_SUPPORTED', 'This server knows no phone numbers')
    },
  )

export const requestTokenToRegisterMSISDN = phoneToken('requestTokenToRegisterMSISDN', '/register')
export const requestTokenToResetPasswordMSISDN = phoneToken('requestTokenToResetPasswordMSISDN', '/account/password')
export const requestTokenTo3PIDMSISDN = phoneToken('requestTokenTo3PIDMSISDN', '/account/3pid')

const PAGE = '/_matrix/client/unstable/bongsu.email/submit_token'
const link = z.object({ sid: firstParam, client_secret: firstParam, token: firstParam })
const TITLE = '이메일 확인 (confirm your address)'

const SCRIPT = `
const button = document.querySelector('button'), said = document.querySelector('p[role]')
button.addEventListener('click', async () => {
  const response = await fetch(location.href, { method: 'POST' })
  if (response.ok) button.hidden = true
  said.textContent = response.ok
    ? '확인되었습니다. 하던 일로 돌아가세요. (Done; go on where you were.)'
    : '주소가 틀렸거나 시간이 지났습니다. 다시 시작하세요. (This link is wrong or too old; start again.)'
})
`

/** Where the link of a mail leads. A page with a button: programs that look through mail follow links, too. */
export const getSubmitToken = route(
  { id: 'client.getSubmitToken', method: 'GET', path: PAGE, auth: 'none', query: link },
  async () => {
    const asked = '<p>직접 요청하신 일입니까? (Was it you who asked for this?)</p>'
    return htmlPage(200, TITLE, `${asked}<button>네, 확인합니다 (yes, confirm)</button><p role="status"></p>`, SCRIPT)
  },
)

export const submitToken = route(
  { id: 'client.submitToken', method: 'POST', path: PAGE, auth: 'none', limit: 'login', query: link },
  async ({ query }, { thirdPartyIds }) => {
    await thirdPartyIds.validations.confirm(query.sid, query.client_secret, query.token)
    return { success: true }
  },
)
