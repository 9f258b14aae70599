// Adds up Vitest's JSON reports (their paths are the arguments): prints each failure with the first lines of its error, and
// then `N passed, N failed`. Who has only the end of a long log still sees what failed.
// `--failed-files` with one report prints the files that a test failed in. What a second run of those, `….again.json`, says
// counts instead: a test that passes there is UNSTEADY.
// A report that is missing and a file that broke outside its tests each count as one failure.
import { existsSync, readFileSync } from 'node:fs'
import { basename, relative } from 'node:path'

const shownErrorLines = 12
const shownLineLength = 300

/** Vitest colours parts of an error for a terminal. */
const withoutColours = (text) => text.replaceAll(new RegExp(`${String.fromCharCode(27)}\\[[\\d;]*m`, 'g'), '')

function indent(text) {
  const lines = withoutColours(text)
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^\s+at .*(node_modules|node:)/.test(line))
  const shown = lines.slice(0, shownErrorLines).map((line) => `    ${line.slice(0, shownLineLength)}`)
  return lines.length > shown.length ? [...shown, '    …'] : shown
}

/** What failed in a report: the file, and the lines that tell of it. */
function failuresOf(report) {
  return report.testResults.flatMap((file) => {
    const name = relative(process.cwd(), file.name)
    const failedTests = file.assertionResults.filter(({ status }) => status === 'failed')
    if (file.status === 'failed' && failedTests.length === 0) {
      return [{ name, lines: [`${name}: broke outside its tests`, ...indent(file.message ?? '')] }]
    }
    return failedTests.map(({ fullName, failureMessages }) => ({
      name,
      lines: [`${name} > ${fullName}`, ...failureMessages.flatMap(indent)],
    }))
  })
}

const read = (path) => (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined)
const paths = process.argv.slice(2)

if (paths[0] === '--failed-files') {
  const report = read(paths[1])
  const files = report === undefined ? [] : failuresOf(report).map(({ name }) => name)
  for (const name of new Set(files)) console.log(name)
  process.exit()
}

let passed = 0
const failures = []
const unsteady = []
for (const path of paths) {
  const report = read(path)
  if (report === undefined) {
    failures.push([`${basename(path, '.json')}: no report; the run itself broke`])
    continue
  }
  passed += report.numPassedTests
  const failed = failuresOf(report).map(({ lines }) => lines)
  const again = read(path.replace(/\.json$/, '.again.json'))
  const failedAgain = again === undefined ? failed : failuresOf(again).map(({ lines }) => lines)
  failures.push(...failedAgain)
  if (failedAgain.length === 0) unsteady.push(...failed)
}
for (const lines of unsteady) console.log(`UNSTEADY, passed when it ran alone: ${lines.join('\n')}`)
for (const lines of failures) console.log(`FAILED ${lines.join('\n')}`)
passed += unsteady.length
console.log(
  `${passed} passed, ${failures.length} failed${unsteady.length > 0 ? `, ${unsteady.length} of the passed only alone` : ''}`,
)
process.exitCode = failures.length > 0 || passed === 0 ? 1 : 0
