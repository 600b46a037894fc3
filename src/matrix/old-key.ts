import { fromBase64, toBase64 } from './base64.ts'

/** A key that this server signed with before: it still proves what it signed then. */
export interface OldKey {
  /** `ed25519:<version>`. */
  readonly keyId: string
  /** Unpadded base64. */
  readonly publicKey: string
  /** When it was replaced, in milliseconds. */
  readonly expiredTs: number
}

const LINE = /^ed25519 ([A-Za-z0-9_]+) ([A-Za-z0-9+/_-]+={0,2}) (\d{1,15})$/

/** Reads a file of old keys, one a line: `ed25519 <version> <public key in base64> <milliseconds>`. Throws on others. */
export const parseOldKeys = (text: string): OldKey[] =>
  text
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, version, digits = '', expired] = LINE.exec(line.trim()) ?? []
      const key = fromBase64(digits)
      if (version === undefined || key?.length !== 32) throw new Error('Not a line of old signing keys')
      return { keyId: `ed25519:${version}`, publicKey: toBase64(key), expiredTs: Number(expired) }
    })

export const oldKeyLine = ({ keyId, publicKey, expiredTs }: OldKey): string =>
  `${keyId.replace(':', ' ')} ${publicKey} ${expiredTs}\n`
