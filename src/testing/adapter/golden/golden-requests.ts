import { addressRequests } from './addresses.ts'
import { bodyShapeRequests } from './body-shapes.ts'
import { bodySizeRequests } from './body-sizes.ts'
import { credentialPlaceRequests } from './credential-places.ts'
import { credentialRequests } from './credentials.ts'
import { encodingRequests } from './encodings.ts'
import { eventNameRequests } from './event-names.ts'
import { eventPathRequests } from './event-paths.ts'
import { eventTypeRequests } from './event-types.ts'
import type { GoldenRequest } from './golden-request.ts'
import { graceAndOutageRequests } from './grace-and-outages.ts'
import { methodRequests } from './methods.ts'
import { originRequests } from './origins.ts'
import { rateRequests } from './rates.ts'

/** Raw requests and their complete answers, the same in every framework. Names are unique. */
export const goldenRequests: readonly GoldenRequest[] = [
  ...credentialRequests,
  ...credentialPlaceRequests,
  ...originRequests,
  ...eventTypeRequests,
  ...eventNameRequests,
  ...addressRequests,
  ...rateRequests,
  ...graceAndOutageRequests,
  ...eventPathRequests,
  ...bodyShapeRequests,
  ...encodingRequests,
  ...bodySizeRequests,
  ...methodRequests,
]
