// Makes a release.
//   npm run release -- 0.2.0            on a clean main: runs every check, gives the changelog its section, commits and tags
//   npm run release -- 0.2.0 --dry-run  shows what that would do: checks, builds and packs; changes no file, makes no tag
//   npm run release -- --publish        what the release workflow runs for a pushed tag
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { notesOf, sectionOf, withRelease } from './changelog.mjs'

const changelog = 'CHANGELOG.md'
const run = (command, ...args) => execFileSync(command, args, { stdio: 'inherit' })
const read = (command, ...args) => execFileSync(command, args, { encoding: 'utf8' }).trim()
const readVersion = () => JSON.parse(readFileSync('package.json', 'utf8')).version

function stop(message) {
  console.error(`release: ${message}`)
  process.exit(1)
}

function check() {
  run('npm', 'run', 'check')
  run('npm', 'run', 'build')
  run('npm', 'test')
  run('npm', 'run', 'check:package')
}

function readNotes(version) {
  if (!/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(version)) stop(`"${version}" is not a version, such as 0.2.0`)
  const notes = notesOf(readFileSync(changelog, 'utf8'), version)
  if (notes === undefined) stop(`${changelog} has nothing under "Unreleased" or "${version}"`)
  return notes
}

function prepare(version) {
  const notes = readNotes(version)
  if (read('git', 'status', '--porcelain') !== '') stop('commit or stash your changes first')
  if (read('git', 'branch', '--show-current') !== 'main') stop('releases are made from main')
  if (read('git', 'tag', '--list', `v${version}`) !== '') stop(`v${version} exists already`)
  check()
  const today = new Date().toISOString().slice(0, 10)
  writeFileSync(changelog, withRelease(readFileSync(changelog, 'utf8'), version, today))
  if (readVersion() !== version) run('npm', 'version', version, '--no-git-tag-version')
  run('git', 'commit', '--all', '--message', `release: ${version}`)
  // Headings of the notes begin with "#", which git would take for comments.
  run('git', 'tag', '--annotate', '--cleanup=whitespace', `v${version}`, '--message', notes)
  console.log(`\nNow: git push origin main v${version}`)
}

/** Works without git too, such as in an exported tree. Leaves out the tests. */
function rehearse(version) {
  const notes = readNotes(version)
  run('npm', 'run', 'check')
  run('npm', 'pack', '--dry-run')
  console.log(`\n${changelog} would say for ${version}:\n\n${notes}\n`)
  console.log(`Without --dry-run: the tests and check:package, a commit, and the tag v${version}.`)
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

const given = process.argv.slice(2)
const isDryRun = given.includes('--dry-run')
const [what, ...more] = given.filter((argument) => argument !== '--dry-run')
if (what === undefined) stop('which version? For example: npm run release -- 0.2.0')
if (more.length > 0) stop(`unknown: ${more.join(' ')}`)
if (what === '--publish') publish()
else if (isDryRun) rehearse(what)
else prepare(what)
