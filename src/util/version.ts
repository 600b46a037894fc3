import { readFileSync } from 'node:fs'

/** The nearest `package.json` is the project's, whether this runs from `src/util/` or, built, from `dist/`. */
function readVersion(): string {
  for (let up = '../'; up.length < 20; up += '../') {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(`${up}package.json`, import.meta.url), 'utf8'))
      if (name === 'bongsu') return version
    } catch {} // not there: one folder further up
  }
  throw new Error('package.json is missing')
}

export const version: string = readVersion()
