import { foldText, hasSyllable, initialsOf, isInitial, standsFor } from '../../../util/hangul.ts'

/** A room's texts as a search looks at them. */
export interface RoomTexts {
  readonly text: string
  /** Korean without blanks, which not everybody puts in the same places, and the same as initial consonants. */
  readonly compact: string
  readonly initials: string
}

/** Of each text so much is searched: a topic may have 60,000 characters, and a search looks at every place of all rooms. */
const MAX_SEARCHED = 1_000

/** Prepared once for each room, so that a search only compares. */
export function roomTexts(texts: readonly string[]): RoomTexts {
  const text = texts.map((one) => fold(one.slice(0, MAX_SEARCHED)).slice(0, MAX_SEARCHED)).join('\n')
  const compact = hasSyllable(text) ? withoutBlanks(text) : ''
  return { text, compact, initials: initialsOf(compact) }
}

/** Finds rooms by any part of a text; Korean also by initial consonants (ㅇㅅㅇ, 예ㅅ안) and with or without its blanks. */
export function finderOf(term: string): (room: RoomTexts) => boolean {
  const wanted = fold(term).trim()
  if (!HAS_KOREAN.test(wanted)) return ({ text }) => text.includes(wanted)
  const compactWanted = withoutBlanks(wanted)
  const typed = Array.from(compactWanted)
  if (!typed.some(isInitial)) return ({ text, compact }) => text.includes(wanted) || compact.includes(compactWanted)
  const initialsWanted = initialsOf(compactWanted)
  const isAt = (compact: string, at: number) =>
    typed.every((char, i) => standsFor(char, compact.charAt(at + i), i === typed.length - 1))
  return ({ compact, initials }) => {
    for (let at = initials.indexOf(initialsWanted); at >= 0; at = initials.indexOf(initialsWanted, at + 1)) {
      if (isAt(compact, at)) return true
    }
    return false
  }
}

const HAS_KOREAN = /[가-힣ㄱ-ㅎ]/

/** One form of everything. NFKC would make consonants that stand alone parts of syllables, so it leaves them out. */
const fold = (text: string): string => foldText(text.replace(/[^ㄱ-ㅎ]+/g, (part) => part.normalize('NFKC')))

const withoutBlanks = (text: string): string => text.replace(/[^\S\n]+/g, '')
