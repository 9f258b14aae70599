import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import type { IngestContext, SentEvent } from 'writekey/ingest'
import { eventId } from './event-id.ts'

const twoMinutesInNanoseconds = 120_000_000_000

/** Puts each event into a stream, and waits until the server has it on disk. What it does not confirm in time is refused, and comes again. */
export async function createNatsSink(servers: string, timeout = 2_000) {
  const connection = await connect({ servers, maxReconnectAttempts: -1, reconnectTimeWait: 250, timeout })
  const manager = await jetstreamManager(connection)
  await manager.streams.add({
    name: 'events',
    subjects: ['events.*'],
    // A full stream refuses, and senders wait; by default it would throw the oldest events away.
    discard: 'new',
    max_bytes: 1_000_000_000,
    // Copies of an event are told by their id for that long.
    duplicate_window: twoMinutesInNanoseconds,
  })
  const stream = jetstream(connection)
  const told = { stored: 0, duplicates: 0 }

  async function onEvents(events: SentEvent[], { writeKey }: IngestContext): Promise<void> {
    const sent = events.map(async (event) => {
      const options = { msgID: `${writeKey.id} ${eventId(event)}`, timeout, retries: 0 }
      const { duplicate } = await stream.publish(`events.${writeKey.id}`, JSON.stringify(event), options)
      told[duplicate ? 'duplicates' : 'stored']++
    })
    const failed = (await Promise.allSettled(sent)).find(({ status }) => status === 'rejected')
    if (failed !== undefined) throw (failed as PromiseRejectedResult).reason
  }

  return { onEvents, told, close: () => connection.close() }
}
