import { defineConfig } from 'rolldown'

/** Node keeps a source in half the memory if it is ASCII: all other characters are written as escapes. */
const asciiSource = {
  name: 'ascii-source',
  generateBundle(_options, bundle) {
    for (const file of Object.values(bundle)) {
      if (file.type === 'chunk') file.code = file.code.replace(/[^\0-\x7f]/g, escaped)
    }
  },
}

const escaped = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`

/**
 * The program as it runs: a few files, which start in half the time that the 800 take of which they are made. Packages with
 * native parts stay where they were installed, and so do the licences of all.
 */
// biome-ignore lint/style/noDefaultExport: rolldown looks for one
export default defineConfig({
  input: ['src/main.ts', 'src/storage/sqlite/checkpoint-worker.ts', 'src/storage/search/search-worker.ts'],
  platform: 'node',
  external: ['@node-rs/argon2', 'better-sqlite3', 'sharp', 'pg-native'],
  plugins: [asciiSource],
  checks: { eval: false }, // a package's, which is not ours to change
  output: {
    dir: 'dist',
    chunkFileNames: '[name].js',
    comments: { legal: true, annotation: false, jsdoc: false },
    // Errors name our source; its text would double the maps, which every start reads.
    sourcemap: true,
    sourcemapExcludeSources: true,
  },
})
