import type { BodyForm, CredentialSource } from '../http/ingest-request.ts'
import type { SenderBodyForm } from './body-form.ts'
import type { OwnAnswers } from './own-answers.ts'

/** Names of the senders that have an endpoint ready. */
export type SenderName =
  | 'segment'
  | 'rudderstack'
  | 'customerio'
  | 'inngest'
  | 'posthog'
  | 'amplitude'
  | 'mixpanel'
  | 'jitsu'

/** A path that a sender posts to. */
export interface SenderRoute {
  /** Relative to the mount point of the routes. `:key` is the write key. */
  readonly path: string
  /** The type of every event; `'batch'`: each event has its own. */
  readonly eventType: string
  /** Converts the bodies of this path, if not as the sender's others. */
  readonly form?: BodyForm | SenderBodyForm
}

/** One sender: what it sends, and what it expects as an answer. Its endpoint does exactly this. */
export interface Sender {
  readonly name: SenderName
  readonly title: string
  /** Published packages that were tried, unmodified, and versions. */
  readonly packages: readonly string[]
  /** SDKs whose requests were tried, rebuilt from their sources. */
  readonly requests?: readonly string[]
  readonly methods: readonly string[]
  readonly routes: readonly SenderRoute[]
  /** Where it puts its key. */
  readonly credentials: readonly CredentialSource[]
  readonly batchFields: readonly string[]
  /** The header field in which its own API reads the key, if not `Authorization` or the body. */
  readonly keyHeader?: string
  /** Converts its body before it is judged; undefined: it is plain JSON. */
  readonly form?: BodyForm | SenderBodyForm
  /** The query parameter that holds the events, where it sends by GET. */
  readonly dataIn?: string
  /** Query parameters that select the form of the answer. */
  readonly query?: readonly string[]
  /** Where its events keep what schemas check, if not in `properties`. */
  readonly carriedIn?: string
  /** Where it puts its key, in words, if `credentials` do not say it. */
  readonly keyIn?: string
  /** Where its SDKs take the path that the endpoints are mounted below, in words. */
  readonly prefix: string
  /** How its body is encoded, in words. */
  readonly body: string
  /** Where types and names come from, and what a missing type means, in words. */
  readonly types: string
  /** Its answers: `success` gets the number of accepted events, `ids` the id of each. */
  readonly answers: 'success' | 'ids' | OwnAnswers
  /** What the sender does with its data when it is refused. */
  readonly loses: string
}

/** Routes whose bodies are batches, or one event. */
export function batchRoutes(...paths: string[]): SenderRoute[] {
  return paths.map((path) => ({ path, eventType: 'batch' }))
}
