import { bodyRequests } from './bodies.ts'
import { credentialRequests } from './credentials.ts'
import type { GoldenRequest } from './golden-request.ts'
import { originRequests } from './origins.ts'
import { ruleRequests } from './rules.ts'

/** Requests as bytes and the whole answers to them, the same behind every framework. Names are unique. */
export const goldenRequests: readonly GoldenRequest[] = [
  ...credentialRequests,
  ...originRequests,
  ...ruleRequests,
  ...bodyRequests,
]
