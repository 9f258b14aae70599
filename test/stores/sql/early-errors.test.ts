import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import mysql from 'mysql2'
import pg from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createSqlStore, type SqlStoreOptions } from '../../../src/stores/sql/index.ts'

/** @returns the port of a server that talks to each connection by `serve`. */
async function startServer(serve: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    serve(socket)
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** Fails when an 'error' event found no listener: Node ends the process then. */
function expectNoUncaughtError(): void {
  const uncaught: unknown[] = []
  const note = (error: unknown) => uncaught.push(error)
  const others = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', note)
  onTestFinished(() => {
    process.off('uncaughtException', note)
    for (const other of others) process.on('uncaughtException', other)
    expect(uncaught).toEqual([])
  })
}

/** A message of PostgreSQL's protocol. */
function message(type: string, body: string): Buffer {
  const head = Buffer.alloc(5)
  head.write(type)
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, Buffer.from(body)])
}
const shutdown = 'SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0'
/** Authentication done, ready for a query, and the end, in one packet. */
const readyAndGone = Buffer.concat([message('R', '\0\0\0\0'), message('Z', 'I'), message('E', shutdown)])

/** PostgreSQL that is shut down as soon as a connection is made. */
const shutDownPostgres = () =>
  startServer((socket) => {
    socket.once('data', () => socket.end(readyAndGone))
  })

it('a garbled answer of PostgreSQL is an error of the call over a url', async () => {
  expectNoUncaughtError()
  const port = await startServer((socket) => {
    socket.once('data', () => {
      socket.write(Buffer.concat([message('R', '\0\0\0\0'), message('Z', 'I')]))
      // A row of many columns that has none.
      socket.once('data', () => socket.write(message('D', '9\0')))
    })
  })
  const store = createSqlStore({ url: `postgres://x@127.0.0.1:${port}/x` })
  onTestFinished(() => store.close())
  const listening = new Promise<unknown>((lost) => store.watch?.(() => {}, lost))
  const polled = Promise.resolve(store.poll({ since: null })).catch((error: unknown) => error)
  for (const error of [await polled, await listening])
    expect(error).toMatchObject({
      code: 'store_unavailable',
      message: expect.stringContaining('an answer cannot be read'),
    })
})

describe('a server of PostgreSQL that shuts down as soon as it is ready', () => {
  const ways: [string, (url: string) => SqlStoreOptions][] = [
    ['a url', (url) => ({ url, notifications: false })],
    ['a url and its listener', (url) => ({ url })],
    ['a pool', (url) => ({ pool: applicationPool(url) })],
    ['a pool and its listener', (url) => ({ pool: applicationPool(url), notifications: true })],
  ]
  it.each(ways)('is an error of calls over %s', async (way, options) => {
    expectNoUncaughtError()
    const store = createSqlStore(options(`postgres://x@127.0.0.1:${await shutDownPostgres()}/x`))
    onTestFinished(() => store.close())
    const lost: unknown[] = []
    store.watch?.(
      () => {},
      (error) => lost.push(error),
    )
    await expect(store.migrate()).rejects.toMatchObject({ code: 'store_unavailable' })
    await expect(store.poll({ since: null })).rejects.toMatchObject({ code: 'store_unavailable' })
    if (way.endsWith('listener')) await expect.poll(() => lost.length).toBe(1)
  })
})

function applicationPool(connectionString: string): pg.Pool {
  const pool = new pg.Pool({ connectionString })
  pool.on('error', () => {})
  onTestFinished(() => pool.end())
  return pool
}

/** A packet of MySQL's protocol. */
function packet(sequence: number, body: Buffer): Buffer {
  const head = Buffer.alloc(4)
  head.writeUIntLE(body.length, 0, 3)
  head[3] = sequence
  return Buffer.concat([head, body])
}
/** Protocol 10 with 4.1's capabilities and a password of 20 random bytes. */
const greeting = packet(
  0,
  Buffer.concat([
    Buffer.from('\n8.0.0\0'),
    Buffer.from([1, 0, 0, 0]),
    Buffer.from('12345678\0'),
    Buffer.from([0x09, 0xa2, 45, 2, 0, 0x08, 0, 21]),
    Buffer.alloc(10),
    Buffer.from('123456789012\0mysql_native_password\0'),
  ]),
)
const accepted = packet(2, Buffer.from([0, 0, 0, 2, 0, 0, 0]))
const killed = packet(0, Buffer.from('\xff\x87\x07#70100Connection was killed', 'latin1'))

describe('a server of MySQL that ends a connection as soon as it is made', () => {
  it.each(['url', 'pool'])('is an error of calls over a %s', async (way) => {
    expectNoUncaughtError()
    const port = await startServer((socket) => {
      socket.write(greeting)
      socket.once('data', () => {
        socket.write(Buffer.concat([accepted, killed]))
        // What is sent next is answered by a reset, a second error of the same connection.
        setImmediate(() => socket.resetAndDestroy())
      })
    })
    const url = `mysql://x@127.0.0.1:${port}/x`
    const pool = mysql.createPool({ uri: url })
    onTestFinished(() => void pool.end(() => {}))
    const store = createSqlStore(way === 'url' ? { url } : { pool })
    onTestFinished(() => store.close())
    for (let round = 0; round < 5; round++)
      await expect(store.poll({ since: null })).rejects.toMatchObject({ code: 'store_unavailable' })
  })
})
