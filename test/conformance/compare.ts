/**
 * Compares a run of the conformance suite with the committed list of what passes, which only grows.
 *
 *     go test -v … | tee run.log
 *     node test/conformance/compare.ts run.log [--update]
 *
 * Reads the lines that `go test -v` prints (`--- PASS: TestLogin/subtest (0.1s)`) and looks at top-level tests alone.
 * Prints what passes no longer, what passes now, and the failed subtests of what still fails; exits 1 if anything was
 * lost. `--update` adds what passes now.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { argv, exit, stdout } from 'node:process'

const LIST = join(import.meta.dirname, 'passing.txt')
const RESULT = /^(\s*)--- (PASS|FAIL|SKIP): (\S+)/

const print = (line: string) => stdout.write(`${line}\n`)

interface Run {
  readonly passed: Set<string>
  readonly failed: Set<string>
  readonly failedSubtests: string[]
}

function readRun(text: string): Run {
  const run: Run = { passed: new Set(), failed: new Set(), failedSubtests: [] }
  for (const line of text.split('\n')) {
    const [, indent, result, name] = RESULT.exec(line) ?? []
    if (name === undefined) continue
    if (indent !== '') {
      if (result === 'FAIL') run.failedSubtests.push(name)
    } else if (result === 'PASS') run.passed.add(name)
    else if (result === 'FAIL') run.failed.add(name)
  }
  // A test that passed in one package and failed in another of the same name has failed.
  for (const name of run.failed) run.passed.delete(name)
  return run
}

const [file, ...options] = argv.slice(2)
if (file === undefined) {
  print('usage: compare.ts <output of go test -v> [--update]')
  exit(2)
}
const known = new Set(readFileSync(LIST, 'utf8').split('\n').filter(Boolean))
const run = readRun(readFileSync(file, 'utf8'))
const lost = [...run.failed].filter((name) => known.has(name))
const gained = [...run.passed].filter((name) => !known.has(name))

for (const name of run.failed) {
  print(`${known.has(name) ? 'LOST ' : 'fails'} ${name}`)
  for (const subtest of run.failedSubtests) if (subtest.startsWith(`${name}/`)) print(`        ${subtest}`)
}
for (const name of gained) print(`new   ${name}`)
print(`${run.passed.size} passed, ${run.failed.size} failed, ${known.size} known to pass, ${lost.length} lost`)
if (options.includes('--update')) {
  writeFileSync(LIST, `${[...new Set([...known, ...gained])].sort().join('\n')}\n`)
}
exit(lost.length > 0 ? 1 : 0)
