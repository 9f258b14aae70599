import type { SourceType } from '../keys/source-type.ts'
import type { VerifiedKey } from '../verifier/compiled-key.ts'
import type { RejectedEvent } from '../verifier/events.ts'
import type { EventSchemas } from './schemas.ts'
import type { SenderName } from './senders.ts'
import type { OutputOf } from './standard-schema.ts'

/**
 * What the calls of analytics SDKs have in common. Only `type` has been checked; everything else is as it was
 * sent.
 */
interface Call<Type extends string> {
  readonly type: Type
  readonly messageId?: string
  readonly userId?: string | null
  readonly anonymousId?: string | null
  readonly timestamp?: string
  readonly context?: Readonly<Record<string, unknown>>
  readonly [property: string]: unknown
}

type Details = Readonly<Record<string, unknown>>

/** Events as the senders of `createIngestApi` send them, told apart by `type`. Inngest's have none. */
export type SentEvent =
  | (Call<'track'> & { readonly event?: string; readonly properties?: Details })
  | (Call<'identify'> & { readonly traits?: Details })
  | (Call<'page'> & { readonly name?: string; readonly properties?: Details })
  | (Call<'screen'> & { readonly name?: string; readonly properties?: Details })
  | (Call<'group'> & { readonly groupId?: string; readonly traits?: Details })
  | (Call<'alias'> & { readonly previousId?: string })
  | {
      readonly type?: undefined
      readonly name?: string
      readonly id?: string
      readonly data?: unknown
      readonly ts?: number
    }

declare const noSchema: unique symbol

/**
 * A name without a schema. It is a text, but not of type `string`, so that comparing it with the name of a
 * schema narrows the event's type. `String(event.event)` makes it a string.
 */
// biome-ignore lint/complexity/noBannedTypes: the only type of texts that no literal is part of
export type OtherName = String & { readonly [noSchema]: never }

/**
 * Events as `createIngestApi` hands them on when it has `schemas`: told apart by `type` and name, with the
 * output of the schema.
 */
export type CheckedEvent<Schemas extends EventSchemas> =
  | { [Name in keyof Schemas & string]: NamedEvent<Name, OutputOf<Schemas[Name]>> }[keyof Schemas & string]
  | (Call<'track'> & { readonly event?: OtherName; readonly properties?: Details })
  | (Call<'page' | 'screen'> & { readonly name?: OtherName; readonly properties?: Details })
  | Exclude<SentEvent, { readonly type?: 'track' | 'page' | 'screen' | undefined }>
  | {
      readonly type?: undefined
      readonly name?: OtherName
      readonly id?: string
      readonly data?: unknown
      readonly ts?: number
    }

export type NamedEvent<Name, Carried> =
  | (Call<'track'> & { readonly event: Name; readonly properties: Carried })
  | (Call<'page' | 'screen'> & { readonly name: Name; readonly properties: Carried })
  | {
      readonly type?: undefined
      readonly name: Name
      readonly id?: string
      readonly data: Carried
      readonly ts?: number
    }

/** Who sent the events. */
export interface IngestContext {
  readonly writeKey: VerifiedKey
  /** The sender that the path belongs to. Where several share a path, the first of `senders`. */
  readonly sender: SenderName
  readonly sourceType: SourceType
  /** Events left out under `onForbiddenEvent: 'drop'`. */
  readonly rejected: readonly RejectedEvent[]
  readonly ip: string | undefined
  readonly origin: string | undefined
}
