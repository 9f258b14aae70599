import { bodyRequests } from './bodies.ts'
import { credentialRequests } from './credentials.ts'
import type { GoldenRequest } from './golden-request.ts'
import { originRequests } from './origins.ts'
import { ruleRequests } from './rules.ts'

/** Raw requests and their complete answers, the same in every framework. Names are unique. */
export const goldenRequests: readonly GoldenRequest[] = [
  ...credentialRequests,
  ...originRequests,
  ...ruleRequests,
  ...bodyRequests,
]
