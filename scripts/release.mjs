// Makes a release. `npm run release -- 0.2.0` on a clean main: runs every check, turns the changelog's "Unreleased" into a
// section of that version, commits and tags. Push the tag, and the release workflow publishes with `npm run release -- --publish`.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'

const changelog = 'CHANGELOG.md'
const run = (command, ...args) => execFileSync(command, args, { stdio: 'inherit' })
const read = (command, ...args) => execFileSync(command, args, { encoding: 'utf8' }).trim()
const readVersion = () => JSON.parse(readFileSync('package.json', 'utf8')).version

function stop(message) {
  console.error(`release: ${message}`)
  process.exit(1)
}

/** The text below `## heading`, up to the next heading of its kind. */
function sectionOf(text, heading) {
  const lines = text.split('\n')
  const start = lines.findIndex((line) => line === `## ${heading}` || line.startsWith(`## ${heading} `))
  if (start === -1) return undefined
  const length = lines.slice(start + 1).findIndex((line) => line.startsWith('## '))
  const body = length === -1 ? lines.slice(start + 1) : lines.slice(start + 1, start + 1 + length)
  return body.join('\n').trim()
}

function check() {
  run('npm', 'run', 'check')
  run('npm', 'run', 'build')
  run('npm', 'test')
  run('npm', 'run', 'check:package')
}

function prepare(version) {
  if (!/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(version)) stop(`"${version}" is no version, such as 0.2.0`)
  if (read('git', 'status', '--porcelain') !== '') stop('commit or stash your changes first')
  if (read('git', 'branch', '--show-current') !== 'main') stop('releases are made from main')
  if (read('git', 'tag', '--list', `v${version}`) !== '') stop(`v${version} exists already`)
  const text = readFileSync(changelog, 'utf8')
  const changes = sectionOf(text, 'Unreleased')
  if (changes === undefined || changes === '') stop(`${changelog} has nothing under "Unreleased"`)
  check()
  const today = new Date().toISOString().slice(0, 10)
  writeFileSync(
    changelog,
    text.replace('## Unreleased', () => `## Unreleased\n\n## ${version} (${today})`),
  )
  if (readVersion() !== version) run('npm', 'version', version, '--no-git-tag-version')
  run('git', 'commit', '--all', '--message', `release: ${version}`)
  run('git', 'tag', '--annotate', `v${version}`, '--message', changes)
  console.log(`\nNow: git push origin main v${version}`)
}

function publish() {
  const version = readVersion()
  if (read('git', 'tag', '--points-at', 'HEAD').split('\n').includes(`v${version}`) === false) {
    stop(`HEAD is not tagged v${version}`)
  }
  if (sectionOf(readFileSync(changelog, 'utf8'), version) === undefined)
    stop(`${changelog} has no section ${version}`)
  check()
  run('npm', 'publish', '--provenance', '--access', 'public')
}

const [what] = process.argv.slice(2)
if (what === undefined) stop('which version? For example: npm run release -- 0.2.0')
if (what === '--publish') publish()
else prepare(what)
