// Runs before every npm script, on whatever Node the machine has: installs what is missing, so that a fresh clone needs
// nothing but npm; with --build, also builds what is out of date. Everything after it runs on the Node that npm installed.
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const bin = join(root, 'node_modules', '.bin')
const stamp = join(root, 'dist', '.built')

if (!isInstalled() || isToBuild()) {
  await turn()
  if (!isInstalled()) install()
  if (isToBuild()) build()
  process.exit() // or those who wait, once their connections are seen, would keep it
}

/**
 * Comes back when no other set-up of this checkout is at work; from then on others wait for this process to end. What they
 * wait for is a name in the kernel (an abstract socket), which is free again however the process ended. Only Linux has
 * such names: elsewhere nobody waits.
 */
async function turn() {
  if (process.platform !== 'linux') return
  const { dev, ino } = statSync(root)
  const name = `\0bongsu-setup-${dev}-${ino}`
  if (await take(name)) return
  process.stderr.write('Waiting for another set-up of this checkout ...\n')
  do await end(name)
  while (!(await take(name)))
}

async function take(name) {
  try {
    await once(createServer().listen(name), 'listening')
    return true
  } catch (error) {
    if (error.code === 'EADDRINUSE') return false
    throw error
  }
}

/** Whoever has the name never answers: the connection lasts as long as the process. */
function end(name) {
  return new Promise((resolve) => {
    connect(name)
      .on('error', () => {})
      .on('close', resolve)
      .resume()
  })
}

function install() {
  process.stderr.write('Installing what is missing ...\n')
  const isSource = existsSync(join(root, 'src'))
  npm('ci', '--loglevel=error', '--no-progress', ...(isSource ? ['--include=dev'] : ['--omit=dev']))
}

function build() {
  process.stderr.write('Building ...\n')
  rmSync(join(root, 'dist'), { recursive: true, force: true })
  run(join(bin, 'rolldown'), '--config')
  writeFileSync(stamp, '')
}

/** Whether node_modules holds every package of the lock file, in its version; those for other machines may be missing. */
function isInstalled() {
  const wanted = packagesOf('package-lock.json')
  const found = packagesOf(join('node_modules', '.package-lock.json'))
  if (!existsSync(join(bin, 'node'))) return false
  const isHere = ([path, { version, optional, peer }]) =>
    path === '' || optional || peer || found[path]?.version === version
  return Object.entries(wanted).every(isHere)
}

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(join(root, file), 'utf8')).packages
  } catch {
    return {} // nothing was ever installed
  }
}

function isToBuild() {
  return process.argv.includes('--build') && existsSync(join(root, 'src')) && isStale()
}

function isStale() {
  if (!existsSync(stamp)) return true
  const built = statSync(stamp).mtimeMs
  const inputs = [
    'package-lock.json',
    'tsconfig.json',
    'rolldown.config.js',
    ...filesOf('src'),
    ...filesOf('migrations'),
  ]
  return inputs.some((file) => statSync(join(root, file)).mtimeMs > built)
}

/** Folders too: their time tells of files that are gone. */
function filesOf(folder) {
  return [folder, ...readdirSync(join(root, folder), { recursive: true }).map((file) => join(folder, file))]
}

function npm(...args) {
  const cli = process.env.npm_execpath
  if (cli) run(process.execPath, cli, ...args)
  else run('npm', ...args)
}

function run(command, ...args) {
  const path = bin + delimiter + process.env.PATH
  const { status } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'ignore', 2], // what goes wrong is said there
    env: { ...process.env, PATH: path },
  })
  if (status !== 0) process.exit(status ?? 1)
}
