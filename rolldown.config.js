import { defineConfig } from 'rolldown'

/**
 * The program as it runs: a few files, which start in half the time that the 800 take of which they are made. Packages with
 * native parts stay where they were installed, and so do the licences of all.
 */
// biome-ignore lint/style/noDefaultExport: rolldown looks for one
export default defineConfig({
  input: ['src/main.ts', 'src/storage/sqlite/checkpoint-worker.ts', 'src/storage/search/search-worker.ts'],
  platform: 'node',
  external: ['@node-rs/argon2', 'better-sqlite3', 'sharp', 'pg-native'],
  checks: { eval: false }, // a package's, which is not ours to change
  // Errors name our source; its text would double the maps, which every start reads.
  output: { dir: 'dist', chunkFileNames: '[name].js', sourcemap: true, sourcemapExcludeSources: true },
})
