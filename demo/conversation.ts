import type { Ministry } from './ministry.ts'
import { Person } from './person.ts'

/** The text of the play: who of the four says what. */
const LINES: readonly (readonly [who: 0 | 1 | 2 | 3, text: string])[] = [
  [0, '내년도 재난안전 예산안 초안을 올렸습니다. 검토 부탁드립니다.'],
  [2, '확인했습니다. 소방 장비 항목은 지난달 협의한 금액과 다르네요.'],
  [1, '환율을 다시 반영했습니다. 근거 자료를 첨부하겠습니다.'],
  [3, '감사합니다. 지자체 의견은 금요일까지 모아서 드리겠습니다.'],
  [0, '좋습니다. 그럼 월요일 오전에 확정하는 걸로 하시죠.'],
  [2, '네, 월요일에 뵙겠습니다.'],
]

const ROOM = '재난안전 예산 협의'

/** Who took part, and where. */
export interface Conversation {
  readonly roomId: string
  readonly people: readonly Person[]
}

/**
 * Has two people of each ministry talk to each other in one room. `print` gets each line when it has arrived with the
 * other ministry.
 */
export async function converse(
  finance: Ministry,
  interior: Ministry,
  print: (line: string) => void,
): Promise<Conversation> {
  const people = [
    await Person.employ(finance, 'kim.seoyeon', '김서연'),
    await Person.employ(finance, 'lee.junho', '이준호'),
    await Person.employ(interior, 'park.jiwoo', '박지우'),
    await Person.employ(interior, 'choi.minjun', '최민준'),
  ] as const
  const [host, ...guests] = people
  print(`${host.name} (${host.userId}) opens the room "${ROOM}"`)
  const roomId = await host.createRoom(ROOM, guests)
  for (const guest of guests) {
    await guest.accept(roomId)
    print(`${guest.name} (${guest.userId}) joins through ${guest.ministry.serverName}`)
  }
  for (const [who, text] of LINES) {
    const speaker = people[who]
    const begin = performance.now()
    await speaker.say(roomId, text)
    const listeners = people.filter(({ ministry }) => ministry !== speaker.ministry)
    await Promise.all(listeners.map((listener) => listener.hear(roomId, text)))
    const ms = Math.round(performance.now() - begin)
    print(`${speaker.ministry.title} ${speaker.name}: ${text}  (${ms} ms to ${listeners[0]?.ministry.serverName})`)
  }
  return { roomId, people }
}
