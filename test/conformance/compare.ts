/**
 * Compares runs of the conformance suite with the committed list of what passes, which only grows.
 *
 *     go test -v ./tests/csapi | tee csapi.log
 *     go test -v ./tests       | tee tests.log
 *     node test/conformance/compare.ts csapi.log tests.log [--update]
 *
 * A log is named after its package, because names of tests repeat: the list has `csapi/TestSync` and `msc4222/TestSync`.
 * Reads the lines that `go test -v` prints (`--- PASS: TestLogin/subtest (0.1s)`) and looks at top-level tests alone.
 * Prints what passes no longer, what passes now, and the failed subtests of what still fails; exits 1 if anything was
 * lost. `--update` adds what passes now.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { argv, exit, stdout } from 'node:process'

const LIST = join(import.meta.dirname, 'passing.txt')
const RESULT = /^(\s*)--- (PASS|FAIL|SKIP): (\S+)/

const print = (line: string) => stdout.write(`${line}\n`)

interface Run {
  readonly passed: Set<string>
  readonly failed: Set<string>
  readonly failedSubtests: string[]
}

function readLog(file: string, run: Run): void {
  const suite = basename(file, '.log')
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const [, indent, result, test] = RESULT.exec(line) ?? []
    if (test === undefined) continue
    const name = `${suite}/${test}`
    if (indent !== '') {
      if (result === 'FAIL') run.failedSubtests.push(name)
    } else if (result === 'PASS') run.passed.add(name)
    else if (result === 'FAIL') run.failed.add(name)
  }
}

const files = argv.slice(2).filter((argument) => !argument.startsWith('--'))
if (files.length === 0) {
  print('usage: compare.ts <package>.log … [--update]')
  exit(2)
}
const known = new Set(readFileSync(LIST, 'utf8').split('\n').filter(Boolean))
const run: Run = { passed: new Set(), failed: new Set(), failedSubtests: [] }
for (const file of files) readLog(file, run)
const lost = [...run.failed].filter((name) => known.has(name))
const gained = [...run.passed].filter((name) => !known.has(name))

for (const name of run.failed) {
  print(`${known.has(name) ? 'LOST ' : 'fails'} ${name}`)
  for (const subtest of run.failedSubtests) if (subtest.startsWith(`${name}/`)) print(`        ${subtest}`)
}
for (const name of gained) print(`new   ${name}`)
print(`${run.passed.size} passed, ${run.failed.size} failed, ${known.size} known to pass, ${lost.length} lost`)
if (argv.includes('--update')) writeFileSync(LIST, `${[...new Set([...known, ...gained])].sort().join('\n')}\n`)
exit(lost.length > 0 ? 1 : 0)
