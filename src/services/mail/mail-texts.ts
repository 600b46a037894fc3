import type { Mail } from './mail-queue.ts'

/** What a confirmed address is for. */
export type Purpose = 'register' | 'password' | 'add'

type Text = Pick<Mail, 'subject' | 'text'>

const WISHES: Readonly<Record<Purpose, readonly [korean: string, english: string]>> = {
  register: ['계정을 만들려고', 'make an account'],
  password: ['비밀번호를 다시 정하려고', 'set a new password'],
  add: ['이 주소를 계정에 더하려고', 'add this address to an account'],
}

/** The mail with the link that confirms an address. */
export function confirmationMail(purpose: Purpose, serverName: string, link: string): Text {
  const [korean, english] = WISHES[purpose]
  return {
    subject: `[${serverName}] 이메일 주소 확인 (confirm your address)`,
    text: `${serverName}에서 ${korean} 합니다. 직접 하신 일이면 아래 주소를 열어 확인하세요.
아니면 이 메일을 지우세요. 아무 일도 일어나지 않습니다.

Somebody wants to ${english} on ${serverName}. If it is you, confirm it here;
if not, delete this mail, and nothing will happen.

${link}
`,
  }
}

/** Instead of it, where the address belongs to an account already. */
export const addressTakenMail = (serverName: string): Text => ({
  subject: `[${serverName}] 이미 쓰고 있는 주소 (this address is in use)`,
  text: `${serverName}에서 누군가 이 주소를 쓰려고 합니다. 그런데 이 주소는 이미 한 계정의 것입니다.
직접 하신 일이면 그 계정으로 로그인하거나 비밀번호를 다시 정하세요. 아니면 이 메일을 지우세요.

Somebody wants to use this address on ${serverName}, where it belongs to an account already. If it is you,
log in to that account, or reset its password; if not, delete this mail.
`,
})
