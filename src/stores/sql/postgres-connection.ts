import { Kysely, PostgresDialect, type PostgresPoolClient } from 'kysely'
import type { Client, Pool, PoolClient } from 'pg'
import { atDeadline } from '../../runtime/deadline.ts'
import { StoreError } from '../../runtime/errors.ts'
import {
  aliveWithinMs,
  type Connections,
  doubtAfterMs,
  ignore,
  longestConnectMs,
  openBoth,
  poolSize,
} from './connections.ts'
import { type DriverModule, driverOr } from './given-driver.ts'

/** The part of `pg`'s pool that is used. */
export type PostgresPool = Pick<Pool, 'totalCount'> & {
  /** A pool of an application's own may know only the promise. */
  connect(callback: (error: unknown, client: PoolClient | undefined) => void): unknown
}

interface PostgresDriver {
  Pool: new (config: object) => Pool
  Client: new (config: object) => Client
}

/** @throws StoreError `missing_driver`. */
export async function loadPostgres(given: DriverModule | undefined): Promise<PostgresDriver> {
  return (await driverOr(given, 'pg', 'PostgreSQL')) as unknown as PostgresDriver
}

/** Creates two pools; nothing is connected yet. @throws StoreError `missing_driver`. */
export async function openPostgres(url: string, given?: DriverModule): Promise<Connections> {
  const driver = await loadPostgres(given)
  const clients = new Set<Client>()
  class CountedClient extends driver.Client {
    constructor(config: object) {
      super({ ...config, connectionTimeoutMillis: longestConnectMs })
      clients.add(this)
      // From the start: a server that shuts down says so in the same packet that makes the connection ready.
      this.on('error', ignore)
      this.once('end', () => clients.delete(this))
    }
  }
  const isAlive = async () => {
    const client = new driver.Client({ connectionString: url, connectionTimeoutMillis: aliveWithinMs })
    client.on('error', ignore)
    const answered = await client.connect().then(
      () => true,
      (error: unknown) => !isConnectTimeout(error),
    )
    client.end().catch(() => {})
    return answered
  }
  const both = openBoth((deadlineMs) => {
    const pool = new driver.Pool({
      connectionString: url,
      max: poolSize,
      // Also how long to wait for a free connection.
      connectionTimeoutMillis: deadlineMs,
      keepAlive: true,
      allowExitOnIdle: true,
      Client: CountedClient,
    })
    // A dead connection, idle or in use, is replaced. Without a listener Node would end the process.
    pool.on('error', ignore)
    return new Kysely<unknown>({
      dialect: new PostgresDialect({
        pool: {
          connect: () => borrowClient(pool, deadlineMs, isAlive),
          end: () => pool.end(),
        },
      }),
    })
  })
  return {
    ...both,
    cut() {
      for (const client of clients) (client as Cuttable).connection?.stream?.destroy()
    },
  }
}

/** A field of pg's client that has no method: to end without the server's consent. */
type Cuttable = Client & { connection?: { stream?: { destroy(): void } } }

/** A server that accepts connections and says nothing, or a pool without a free one. */
function isConnectTimeout(error: unknown): boolean {
  return /timeout expired|timeout exceeded|due to connection timeout/.test(
    String((error as Error | null)?.message),
  )
}

/**
 * A client of a pool, until it is released.
 * @param isAlive whether the server accepts connections; called when a statement takes long.
 * @throws StoreError `store_timeout` when none is free by the deadline.
 */
export async function borrowClient(
  pool: PostgresPool,
  deadlineMs: number,
  isAlive?: () => Promise<boolean>,
): Promise<PostgresPoolClient> {
  const client = await connectInTime(pool, deadlineMs)
  const guarded = guardClient(client, deadlineMs, isAlive)
  return {
    ...guarded,
    release() {
      // The pool listens again before this returns.
      guarded.release()
      client.off('error', ignore)
    },
  }
}

/**
 * A client with a listener for errors. An application's pool may wait forever.
 */
function connectInTime(pool: PostgresPool, deadlineMs: number): Promise<PoolClient> {
  return new Promise((resolve, reject) => {
    let settled = false
    const settle = (then: () => void) => {
      if (settled) return
      settled = true
      cancel()
      then()
    }
    const giveUp = () =>
      reject(new StoreError('store_timeout', 'The database did not take a connection in time.'))
    const cancel = atDeadline(deadlineMs, () => settle(giveUp))
    const taken = (client: PoolClient | undefined) => {
      if (client === undefined) return
      if (settled) return client.release()
      // A connection that dies while it is borrowed fails its statement. Without a listener Node would end
      // the process.
      client.on('error', ignore)
      settle(() => resolve(client))
    }
    const failed = (error: unknown) => settle(() => (isConnectTimeout(error) ? giveUp() : reject(error)))
    // Called back by pg in the turn in which it stops listening itself. A promise resolves later, and an error
    // in the same packet would come in between.
    const promised = pool.connect((error, client) => (error ? failed(error) : taken(client)))
    Promise.resolve(promised as PoolClient | undefined).then(taken, failed)
  })
}

/**
 * A client whose statements end by the deadline. A connection without an answer is cut and not returned:
 * behind a network that drops packets it would look busy for a quarter of an hour.
 * @param isAlive whether the server accepts connections; called when a statement takes long.
 */
function guardClient(
  client: PoolClient,
  deadlineMs: number,
  isAlive: (() => Promise<boolean>) | undefined,
): PostgresPoolClient {
  let cut: Error | undefined
  const query = (text: string, parameters: readonly unknown[]) =>
    new Promise((resolve, reject) => {
      let answered = false
      const giveUp = (afterMs: number) => {
        if (answered) return
        cut ??= new StoreError('store_timeout', `The database did not answer within ${afterMs} ms.`)
        reject(cut)
      }
      // Read first what arrived while the process was busy or frozen.
      const cancel = atDeadline(deadlineMs, () => giveUp(deadlineMs))
      const doubt = setTimeout(async () => {
        if (isAlive !== undefined && !(await isAlive())) setImmediate(giveUp, doubtAfterMs + aliveWithinMs)
      }, doubtAfterMs)
      client
        .query(text, parameters as unknown[])
        .then(resolve, reject)
        .finally(() => {
          answered = true
          cancel()
          clearTimeout(doubt)
        })
    })
  return {
    query: ((text: string, parameters: readonly unknown[]) =>
      cut === undefined ? query(text, parameters) : Promise.reject(cut)) as PostgresPoolClient['query'],
    release: () => client.release(cut),
  }
}
