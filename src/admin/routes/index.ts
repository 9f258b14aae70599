import type { Operation } from '../operation.ts'
import { anomalyOperations } from './anomalies.ts'
import { auditOperations } from './audit-log.ts'
import { debuggerOperations } from './debugger.ts'
import { lifecycleOperations } from './lifecycle.ts'
import { limitsOperations } from './limits.ts'
import { createOpenApiOperation } from './openapi.ts'
import { problemOperations } from './problems.ts'
import { secretOperations } from './secrets.ts'
import { sessionOperations } from './session.ts'
import { usageOperations } from './usage.ts'
import { writeKeyOperations } from './write-keys.ts'

const described = [
  ...writeKeyOperations,
  ...secretOperations,
  ...lifecycleOperations,
  ...usageOperations,
  ...auditOperations,
  ...debuggerOperations,
  ...anomalyOperations,
  ...problemOperations,
  ...sessionOperations,
  ...limitsOperations,
]

/** Every operation of the API, with the one that describes the others. */
export function listOperations(basePath: string): Operation[] {
  return [...described, createOpenApiOperation(described, basePath)]
}
