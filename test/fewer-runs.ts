import { createRequire } from 'node:module'

/** `fast-check` with at most 50 runs for each property: `npm run mutants` repeats them for every change of the sources. */
const fastCheck: typeof import('fast-check') = createRequire(import.meta.url)('fast-check')

const mostRuns = 50

const assert: typeof fastCheck.assert = (property, parameters) =>
  fastCheck.assert(property, {
    ...parameters,
    numRuns: Math.min(parameters?.numRuns ?? mostRuns, mostRuns),
  }) as never

export default { ...fastCheck, assert }
