/**
 * Whether a text matches a pattern whose `*` stands for any characters and whose `?` stands for one (spec: appendices,
 * Glob-style matching). Takes time in proportion to both lengths, whatever the pattern: no regular expression does.
 */
export function matchesGlob(text: string, pattern: string): boolean {
  let [t, p] = [0, 0]
  // Where the last star stood, and from where in the text it is tried next.
  let [star, from] = [-1, 0]
  while (t < text.length) {
    if (pattern[p] === '*') {
      star = p++
      from = t
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[t])) {
      t++
      p++
    } else if (star >= 0) {
      p = star + 1
      t = ++from
    } else {
      return false
    }
  }
  while (pattern[p] === '*') p++
  return p === pattern.length
}
