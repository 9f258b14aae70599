import type { CredentialSource } from '../http/ingest-request.ts'
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
  /** Below wherever the routes are mounted. `:key` is the write key. */
  readonly path: string
  /** The type of every event; `'batch'`: each says its own. */
  readonly eventType: string
}

/** What a sender sends, and what it wants to hear: everything that its endpoint does is in here. */
export interface Sender {
  readonly name: SenderName
  readonly title: string
  /** Published packages that were tried, unmodified, and versions. */
  readonly packages: readonly string[]
  /** SDKs whose requests were tried, rebuilt from their sources. */
  readonly requests?: readonly string[]
  readonly methods: readonly string[]
  readonly routes: readonly SenderRoute[]
  /** Where its key stands. */
  readonly credentials: readonly CredentialSource[]
  readonly batchFields: readonly string[]
  /** The header field in which its own API reads the key, where it does not go by `Authorization` or the body. */
  readonly keyHeader?: string
  /** What its body is made into before it is judged; undefined: it is JSON as it stands. */
  readonly form?: SenderBodyForm
  /** The parameter of the query that holds what others send as a body, where it sends by GET. */
  readonly dataIn?: string
  /** Parameters of the query that say how it wants to be answered. */
  readonly query?: readonly string[]
  /** Where its events keep what schemas check, if not in `properties`. */
  readonly carriedIn?: string
  /** Where its key stands, in words, where `credentials` do not tell. */
  readonly keyIn?: string
  /** How its body is encoded, in words. */
  readonly body: string
  /** Where types and names come from, and what a missing type means, in words. */
  readonly types: string
  /** What it is answered: `success` has the number of accepted events, `ids` the id of each. */
  readonly answers: 'success' | 'ids' | OwnAnswers
  /** What the sender itself does with data when it is refused. */
  readonly loses: string
}
