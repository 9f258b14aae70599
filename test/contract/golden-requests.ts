import { bodyRequests } from './golden/bodies.ts'
import { credentialRequests } from './golden/credentials.ts'
import type { GoldenRequest } from './golden/golden-request.ts'
import { originRequests } from './golden/origins.ts'
import { ruleRequests } from './golden/rules.ts'

/** Requests as bytes and the whole answers to them, the same behind every framework. Names are unique. */
export const goldenRequests: readonly GoldenRequest[] = [
  ...credentialRequests,
  ...originRequests,
  ...ruleRequests,
  ...bodyRequests,
]
