import { Kysely, PostgresDialect, type PostgresPoolClient } from 'kysely'
import type { Client, Pool, PoolClient } from 'pg'
import { StoreError } from '../../runtime/errors.ts'
import { type Connections, poolSize, readerDeadlineMs, writerDeadlineMs } from './connections.ts'
import { importDriver } from './driver-import.ts'

interface PostgresDriver {
  Pool: new (config: object) => Pool
  Client: new (config: object) => Client
}

/** @throws StoreError `missing_driver`. */
export async function loadPostgres(): Promise<PostgresDriver> {
  const module = await importDriver('pg', 'PostgreSQL')
  return (module.default ?? module) as unknown as PostgresDriver
}

/** Opens two pools to a server; nothing is connected yet. @throws StoreError `missing_driver`. */
export async function openPostgres(url: string): Promise<Connections> {
  const driver = await loadPostgres()
  const clients = new Set<Client>()
  class CountedClient extends driver.Client {
    constructor(config: object) {
      super(config)
      clients.add(this)
      this.once('end', () => clients.delete(this))
    }
  }
  const [reader, writer] = [readerDeadlineMs, writerDeadlineMs].map((deadlineMs) => {
    const pool = new driver.Pool({
      connectionString: url,
      max: poolSize,
      // Also how long to wait for a free connection.
      connectionTimeoutMillis: deadlineMs,
      keepAlive: true,
      allowExitOnIdle: true,
      Client: CountedClient,
    })
    // A connection that dies, idle or in use, is replaced; without a listener Node would end the process.
    pool.on('error', () => {})
    pool.on('connect', (client) => client.on('error', () => {}))
    return new Kysely<unknown>({
      dialect: new PostgresDialect({
        pool: {
          connect: async () => guardClient(await pool.connect(), deadlineMs),
          end: () => pool.end(),
        },
      }),
    })
  }) as [Kysely<unknown>, Kysely<unknown>]
  return {
    reader,
    writer,
    close: async () => {
      await Promise.all([reader.destroy(), writer.destroy()])
    },
    cut() {
      for (const client of clients) (client as Cuttable).connection?.stream?.destroy()
    },
  }
}

/** What pg's client holds, and has no method for: to end without the server's consent. */
type Cuttable = Client & { connection?: { stream?: { destroy(): void } } }

/**
 * A client whose statements end by the deadline. One that does not answer is cut rather than handed back: behind a
 * network that swallows packets it would look busy for a quarter of an hour.
 */
function guardClient(client: PoolClient, deadlineMs: number): PostgresPoolClient {
  let cut: Error | undefined
  const query = (text: string, parameters: readonly unknown[]) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        // What has arrived while the process was busy or frozen is read before judging.
        setImmediate(() => {
          cut ??= new StoreError('store_timeout', `The database did not answer within ${deadlineMs} ms.`)
          reject(cut)
        })
      }, deadlineMs)
      client
        .query(text, parameters as unknown[])
        .then(resolve, reject)
        .finally(() => clearTimeout(timer))
    })
  return {
    query: ((text: string, parameters: readonly unknown[]) =>
      cut === undefined ? query(text, parameters) : Promise.reject(cut)) as PostgresPoolClient['query'],
    release: () => client.release(cut),
  }
}
