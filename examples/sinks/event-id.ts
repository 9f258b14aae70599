import { randomUUID } from 'node:crypto'
import type { SentEvent } from 'writekey/ingest'

/**
 * What tells an event from a copy of it, among those of one key: so nobody hides events of others behind ids of theirs. An event without an
 * id that can be stored anywhere cannot be told from its copies.
 */
export function eventId(event: SentEvent): string {
  const id = event.type === undefined ? event.id : event.messageId
  return typeof id === 'string' && /^[!-~]{1,200}$/.test(id) ? id : randomUUID()
}
