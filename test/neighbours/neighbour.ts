import { createRequire } from 'node:module'
import type { RequestName } from './requests.ts'

const require = createRequire(import.meta.url)

/** A package that apps put beside us, as they load it; most of them have no types of their own. */
// biome-ignore lint/suspicious/noExplicitAny: what it takes and gives differs from package to package
export function load(name: string): any {
  return require(name)
}

/** Answers that differ from what every app should give: a status, or several that will do. */
export type OtherAnswers = Partial<Record<RequestName, number | readonly number[]>>

/** One package around a guarded endpoint: an app of its own for each place that it is tried in. */
export interface Neighbour {
  name: string
  /** Makes the middleware. A new one for each app. */
  make(app: unknown): unknown
  /** Whether it reads bodies: then it is asked everything, on every major of the framework. */
  isParser?: boolean
  /** Default: in front of `writeKeyAuth`, and behind it. */
  places?: readonly Place[]
  /** What it cannot hand on when it is in front, or answers itself. */
  inFront?: OtherAnswers
  behind?: OtherAnswers
}

export type Place = 'in front' | 'behind'
