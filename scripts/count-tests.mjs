// Adds up Vitest's JSON reports (their paths are the arguments): prints each failure with the first lines of its error, and
// then `N passed, N failed`. Who has only the end of a long log still sees what failed.
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

let passed = 0
const failures = []
for (const path of process.argv.slice(2)) {
  if (!existsSync(path)) {
    failures.push([`${basename(path, '.json')}: no report; the run itself broke`])
    continue
  }
  const report = JSON.parse(readFileSync(path, 'utf8'))
  passed += report.numPassedTests
  for (const file of report.testResults) {
    const name = relative(process.cwd(), file.name)
    const failedTests = file.assertionResults.filter(({ status }) => status === 'failed')
    for (const { fullName, failureMessages } of failedTests) {
      failures.push([`${name} > ${fullName}`, ...failureMessages.flatMap(indent)])
    }
    if (file.status === 'failed' && failedTests.length === 0) {
      failures.push([`${name}: broke outside its tests`, ...indent(file.message ?? '')])
    }
  }
}
for (const lines of failures) console.log(`FAILED ${lines.join('\n')}`)
console.log(`${passed} passed, ${failures.length} failed`)
process.exitCode = failures.length > 0 || passed === 0 ? 1 : 0
