import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect as connectNats } from '@nats-io/transport-node'
import express from 'express'
import pg from 'pg'
import { afterEach, expect, it } from 'vitest'
import { ingestRoutes } from '../../adapters/express.ts'
import { createWriteKeys } from '../../src/index.ts'
import { createIngestApi, type IngestContext, type SentEvent } from '../../src/ingest/index.ts'
import { freePort } from '../free-port.ts'
import { serve } from '../neighbours/served.ts'
import { describeWithService } from '../services.ts'
import { postgresDatabase } from '../stores/sql/databases.ts'
import { startLosingProxy } from '../stores/sql/losing-proxy.ts'
import { startProxy } from './processes/proxy.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

interface Sink {
  onEvents(events: SentEvent[], context: IngestContext): Promise<void>
}

interface TellingSink extends Sink {
  readonly told: { stored: number; duplicates: number }
}

/** Examples import the package by its name, which the compiler does not know here. */
const examples = new URL('../../examples/sinks/', import.meta.url).pathname
const { createPostgresSink } = (await import(`${examples}postgres.ts`)) as {
  createPostgresSink(pool: pg.Pool): Promise<TellingSink>
}
const { createNatsSink } = (await import(`${examples}nats.ts`)) as {
  createNatsSink(servers: string, timeout: number): Promise<TellingSink & { close(): Promise<void> }>
}

/** An endpoint in front of a sink, and senders that keep their events until they are taken, as SDKs do on a 503. */
async function startSenders({ onEvents }: Sink) {
  const keys = createWriteKeys({ logger: false })
  closers.push(() => keys.close())
  const { key, writeKey } = await keys.create({ name: 'Backend', sourceType: 'server' })
  const { url, close } = await serve(express().use(ingestRoutes(createIngestApi(keys, { onEvents }))))
  closers.push(close)
  const statuses: number[] = []

  async function post(batch: object[]): Promise<number> {
    const { status, headers } = await fetch(`${url}/v1/batch`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${key}:`)}` },
      body: JSON.stringify({ batch }),
    })
    statuses.push(status)
    if (status === 503) expect(headers.get('retry-after')).toBe('5')
    return status
  }

  async function deliver(batch: object[]): Promise<void> {
    while ((await post(batch)) === 503) await sleep(50)
  }

  return { keyId: writeKey.id, statuses, post, deliver }
}

const batches = Array.from({ length: 30 }, (_, batch) =>
  Array.from({ length: 10 }, (_, n) => ({ type: 'track', event: 'Paid', messageId: `m${batch * 10 + n}` })),
)
const ids = batches.flat().map(({ messageId }) => messageId)

describeWithService('postgres', 'examples/sinks/postgres.ts', (address) => {
  async function startSink() {
    const database = new URL(await postgresDatabase(address))
    const network = await startProxy(database.hostname, Number(database.port || 5432))
    const losing = await startLosingProxy('127.0.0.1', network.port)
    const pool = (url: URL) =>
      new pg.Pool({ connectionString: url.href, max: 4, connectionTimeoutMillis: 5_000 })
    const throughProxies = new URL(database)
    throughProxies.host = `127.0.0.1:${losing.port}`
    const [ours, own] = [pool(throughProxies), pool(database)]
    for (const one of [ours, own]) one.on('error', () => {})
    closers.push(
      () => network.close(),
      () => losing.close(),
      () => own.end(),
      () => ours.end(),
    )
    const sink = await createPostgresSink(ours)
    const stored = async () =>
      (await own.query('SELECT message_id FROM events ORDER BY received_at')).rows.map(
        (row) => row.message_id,
      )
    return { sink, network, losing, stored }
  }

  it('loses nothing while the database is away, and stores nothing twice when its answers are lost', async () => {
    const { sink, network, losing, stored } = await startSink()
    const { statuses, deliver } = await startSenders(sink)
    await Promise.all(batches.slice(0, 10).map(deliver))
    network.cut(true)
    const waiting = batches.slice(10, 20).map(deliver)
    await expect.poll(() => statuses.filter((status) => status === 503).length).toBeGreaterThanOrEqual(10)
    network.cut(false)
    await Promise.all(waiting)
    losing.loseAnswerTo('INSERT INTO events')
    await Promise.all(batches.slice(20).map(deliver))
    expect(losing.lost).toBe(1)
    expect((await stored()).toSorted()).toEqual(ids.toSorted())
    expect(sink.told.duplicates).toBeGreaterThan(0)
    expect(statuses.every((status) => status === 200 || status === 503)).toBe(true)
  })

  it('writes requests of a moment in one statement, and tells copies apart within each key', async () => {
    const { sink, stored } = await startSink()
    const { deliver } = await startSenders(sink)
    const other = await startSenders(sink)
    const copies = [...(batches[0] as object[]), ...(batches[0] as object[])]
    await Promise.all([deliver(copies), deliver(copies), other.deliver(batches[0] as object[])])
    expect(await stored()).toHaveLength(20)
    expect(sink.told).toEqual({ stored: 20, duplicates: 30 })
    // What has no id, or one that nothing can store, is kept all the same.
    const odd = [
      {},
      { messageId: 'a\u0000' },
      { messageId: { a: 1 } },
      { messageId: '', name: '\u0000\ud800' },
    ]
    await deliver(odd.map((event) => ({ type: 'track', ...event })))
    expect(await stored()).toHaveLength(24)
  })

  it('refuses more than may wait, so that senders keep it', async () => {
    const { sink } = await startSink()
    const context = { writeKey: { id: 'wk_1' } } as IngestContext
    const batch = Array.from({ length: 2_500 }, (_, n): SentEvent => ({ type: 'track', messageId: `w${n}` }))
    const waiting = Array.from({ length: 4 }, () => sink.onEvents(batch, context))
    await expect(sink.onEvents(batch.slice(0, 1), context)).rejects.toThrow('wait')
    await Promise.all(waiting)
    await sink.onEvents(batch.slice(0, 1), context)
    expect(sink.told).toEqual({ stored: 2_500, duplicates: 7_501 })
  })
})

describeWithService('nats', 'examples/sinks/nats.ts', (program) => {
  it('loses nothing while the server is away, and stores nothing twice', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'writekey-nats-'))
    const port = await freePort()
    let server: ChildProcess
    async function start(): Promise<void> {
      server = spawn(program, ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', folder], {
        stdio: 'ignore',
      })
      for (;;) {
        const socket = connect(port, '127.0.0.1')
        const answers = await Promise.race([
          once(socket, 'data').then(() => true),
          once(socket, 'error').then(
            () => false,
            () => false,
          ),
        ]).catch(() => false)
        socket.destroy()
        if (answers) return
        await sleep(20)
      }
    }
    async function kill(): Promise<void> {
      const ended = once(server, 'exit')
      server.kill('SIGKILL')
      await ended
    }
    await start()
    const sink = await createNatsSink(`127.0.0.1:${port}`, 300)
    const { statuses, deliver, keyId } = await startSenders(sink)
    closers.push(async () => {
      await sink.close()
      await kill()
      rmSync(folder, { recursive: true, force: true })
    })
    await Promise.all(batches.slice(0, 10).map(deliver))
    await kill()
    const waiting = batches.slice(10, 20).map(deliver)
    await expect.poll(() => statuses.filter((status) => status === 503).length).toBeGreaterThanOrEqual(10)
    await start()
    await Promise.all(waiting)
    await Promise.all(batches.slice(20).map(deliver))
    await deliver(batches[0] as object[])
    expect(sink.told.duplicates).toBeGreaterThanOrEqual(10)

    const reader = await connectNats({ servers: `127.0.0.1:${port}` })
    const { state } = await (await jetstreamManager(reader)).streams.info('events', { subjects_filter: '>' })
    await reader.close()
    expect(state.messages).toBe(300)
    expect(state.subjects).toEqual({ [`events.${keyId}`]: 300 })
    expect(new Set(statuses)).toEqual(new Set([200, 503]))
  })
})
