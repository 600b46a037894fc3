import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { arch, argv, env, execPath, exit, platform, stderr, stdout } from 'node:process'

/**
 * `npm run bundle`: one archive with everything the server needs, for a machine without network, Node or npm: the
 * built program, the packages that it uses, Node itself, and a command `bongsu` to begin with. With a folder as its
 * argument it fills that folder and makes no archive.
 */
const ROOT = resolve(import.meta.dirname, '..')
/** Of Node: a second copy of it, its headers and its manual. */
const NODE_PACKAGE = join('node_modules', 'node', 'node_modules', `node-${platform}-${arch}`)
const NOT_NEEDED = ['bin', 'include', 'share', 'CHANGELOG.md'].map((name) => join(NODE_PACKAGE, name))

const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
const name = `bongsu-${version}-${platform}-${arch}`
const [given] = argv.slice(2)
const target = given === undefined ? join(ROOT, 'bundle', name) : resolve(given)

rmSync(target, { recursive: true, force: true })
mkdirSync(target, { recursive: true })
for (const file of [
  'bongsu',
  'dist',
  'package.json',
  'package-lock.json',
  '.npmrc',
  'config.example.yaml',
  'README.md',
  'LICENSE',
]) {
  cpSync(join(ROOT, file), join(target, file), { recursive: true })
}
// As the Dockerfile does it.
run(target, ...npm(), 'ci', '--omit=dev', '--loglevel=error', '--no-progress')
for (const file of NOT_NEEDED) rmSync(join(target, file), { recursive: true, force: true })
if (given === undefined) {
  run(join(ROOT, 'bundle'), 'tar', '-czf', `${name}.tar.gz`, name)
  rmSync(target, { recursive: true })
  stdout.write(`bundle/${name}.tar.gz\n`)
}

/** npm as it runs this script, on the machine's own Node or ours. */
function npm(): string[] {
  return env.npm_execpath === undefined ? ['npm'] : [execPath, env.npm_execpath]
}

function run(cwd: string, command = '', ...args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, { cwd, stdio: ['ignore', 2, 2] })
  if (status === 0) return
  stderr.write(`${command} ${args.join(' ')} failed${error ? `: ${error.message}` : ''}\n`)
  exit(1)
}
