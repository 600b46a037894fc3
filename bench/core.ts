/** How often a second the room core does its parts, on one thread: `node bench/core.ts`. */
import { randomBytes } from 'node:crypto'
import { canonicalJson } from '../src/matrix/canonical-json.ts'
import { parseJson } from '../src/matrix/parse-json.ts'
import { SigningKey } from '../src/matrix/signing-key.ts'
import { VerifyKey } from '../src/matrix/verify-key.ts'
import type { Pdu } from '../src/room/event.ts'
import { checkFormat } from '../src/room/format.ts'
import { contentHash, essentialText, eventIdOf } from '../src/room/hashes.ts'
import { signEvent } from '../src/room/signing.ts'
import { DEFAULT_ROOM_VERSION, roomVersion } from '../src/room/versions.ts'

const SECONDS = 1
const version = roomVersion(DEFAULT_ROOM_VERSION)
if (!version) throw new Error('No default room version')

const id = () => randomBytes(32).toString('base64url')
const message: Pdu = {
  type: 'm.room.message',
  sender: '@hong.gildong:ministry.example.kr',
  room_id: `!${id()}`,
  content: { body: '회의는 3시에 시작합니다. 자료는 첨부 파일을 보세요.', msgtype: 'm.text', 'm.mentions': {} },
  depth: 1234,
  origin_server_ts: 1_750_000_000_000,
  prev_events: [`$${id()}`],
  auth_events: [`$${id()}`, `$${id()}`],
}
const key = new SigningKey('bench', randomBytes(32))
const { pdu, json } = signEvent(message, version, 'ministry.example.kr', key)
const essential = essentialText(pdu, version)
const signature = key.sign(essential)
const verifyKey = VerifyKey.from(key.publicKey)
if (!verifyKey) throw new Error('Not a key')

const report = (what: string, perSecond: number) =>
  process.stdout.write(
    `${what.padEnd(44)}${Math.round(perSecond).toLocaleString('en').padStart(11)}/s${(1e6 / perSecond).toFixed(1).padStart(9)} µs\n`,
  )

function measure(what: string, work: () => unknown): void {
  for (let i = 0; i < 1000; i++) work()
  let count = 0
  const start = performance.now()
  while (performance.now() - start < SECONDS * 1000) {
    for (let i = 0; i < 100; i++) work()
    count += 100
  }
  report(what, (count / (performance.now() - start)) * 1000)
}

process.stdout.write(`An event of ${Buffer.byteLength(json)} bytes, Node ${process.version}\n`)
measure('parse (values kept)', () => parseJson(json))
measure('check the format', () => checkFormat(pdu, version, { json }))
measure('canonicalise', () => canonicalJson(pdu))
measure('content hash', () => contentHash(pdu))
measure('event id (redaction and reference hash)', () => eventIdOf(pdu, version))
measure('sign', () => key.sign(essential))
measure('build (hash, redact, sign, name, serialise)', () => signEvent(message, version, 'ministry.example.kr', key))
measure('verify', () => verifyKey.verifyNow(essential, signature))

const BATCH = 10_000
const start = performance.now()
await Promise.all(Array.from({ length: BATCH }, () => verifyKey.verify(essential, signature)))
report('verify on the thread pool', (BATCH / (performance.now() - start)) * 1000)
