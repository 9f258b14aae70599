import type { Pool } from 'pg'
import type { IngestContext, SentEvent } from 'writekey/ingest'
import { eventId } from './event-id.ts'

/** `json`, not `jsonb`, which refuses `\u0000`: one such text would keep its sender's whole batch out for good. */
const table = `CREATE TABLE IF NOT EXISTS events (
  write_key_id text NOT NULL,
  message_id text NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now(),
  event json NOT NULL,
  PRIMARY KEY (write_key_id, message_id)
)`

/** A copy of an event that is there already changes nothing. */
const insert = `INSERT INTO events (write_key_id, message_id, event)
  SELECT * FROM unnest($1::text[], $2::text[], $3::json[]) ON CONFLICT DO NOTHING`

const waitMs = 20
const mostAtOnce = 1_000
/** More than that is refused with 503, and senders keep it: the memory of a process is no queue. */
const mostWaiting = 10_000

interface Row {
  readonly keyId: string
  readonly messageId: string
  readonly text: string
}

/** Puts events of many requests into one insert. Each request is answered once its own events are committed, or refused. */
export async function createPostgresSink(pool: Pool) {
  await pool.query(table)
  const told = { stored: 0, duplicates: 0 }
  let waiting = 0
  let batch: { rows: Row[]; written: Promise<void> } | undefined

  async function write(rows: Row[]): Promise<void> {
    const columns = [
      rows.map((row) => row.keyId),
      rows.map((row) => row.messageId),
      rows.map((row) => row.text),
    ]
    const { rowCount } = await pool.query(insert, columns)
    told.stored += rowCount ?? 0
    told.duplicates += rows.length - (rowCount ?? 0)
  }

  /** The batch that is being filled; it is written a moment later, or once it is full. */
  function openBatch(): { rows: Row[]; written: Promise<void> } {
    const rows: Row[] = []
    const opened = {
      rows,
      written: new Promise((resolve) => setTimeout(resolve, waitMs)).then(() => {
        if (batch === opened) batch = undefined
        return write(rows)
      }),
    }
    return opened
  }

  async function onEvents(events: SentEvent[], { writeKey }: IngestContext): Promise<void> {
    if (waiting + events.length > mostWaiting) throw new Error('Too many events wait for the database.')
    waiting += events.length
    try {
      batch ??= openBatch()
      const { rows, written } = batch
      for (const event of events) {
        rows.push({ keyId: writeKey.id, messageId: eventId(event), text: JSON.stringify(event) })
      }
      if (rows.length >= mostAtOnce) batch = undefined
      await written
    } finally {
      waiting -= events.length
    }
  }

  return { onEvents, told }
}
