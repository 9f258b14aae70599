import { Kysely, PostgresDialect, type PostgresPoolClient } from 'kysely'
import type { Client, Pool, PoolClient } from 'pg'
import { atDeadline } from '../../runtime/deadline.ts'
import { StoreError } from '../../runtime/errors.ts'
import { createAliveness } from './aliveness.ts'
import { createConnectionPool } from './connection-pool.ts'
import { aliveWithinMs, type Connections, doubtAfterMs, ignore, openBoth } from './connections.ts'
import { isConnectionLost } from './driver-errors.ts'
import type { DriverModule } from './given-driver.ts'
import {
  connectClient,
  isConnectTimeout,
  isPostgresAlive,
  loadPostgres,
  type PostgresClient,
} from './postgres-client.ts'

/** The part of `pg`'s pool that is used. */
export type PostgresPool = Pick<Pool, 'totalCount'> & {
  /** A pool of an application's own may know only the promise. */
  connect(callback: (error: unknown, client: PoolClient | undefined) => void): unknown
}

/** Idle connections are few where a process has little to do. */
const idleMs = 10_000

/** Creates two pools; nothing is connected yet. @throws StoreError `missing_driver`. */
export async function openPostgres(url: string, given?: DriverModule): Promise<Connections> {
  const driver = await loadPostgres(given)
  const isAlive = createAliveness(() => isPostgresAlive(driver, url))
  const cuts: (() => void)[] = []
  const both = openBoth((deadlineMs) => {
    const pool = createConnectionPool<PostgresClient>({
      connect: (over) => connectClient(driver, url, over),
      rest: (client) => client.unref?.(),
      wake: (client) => client.ref?.(),
      end: (client) => void client.end().catch(() => {}),
      deadlineMs,
      idleMs,
    })
    cuts.push(pool.cut)
    const connect = async () => {
      const client = await pool.borrow()
      const giveBack = (error: Error | undefined) => pool.giveBack(client, error !== undefined)
      return guardClient({ client, deadlineMs, giveBack, isAlive })
    }
    return new Kysely<unknown>({ dialect: new PostgresDialect({ pool: { connect, end: pool.end } }) })
  })
  return {
    ...both,
    cut() {
      for (const cut of cuts) cut()
    },
  }
}

/**
 * A client of an application's pool, until it is released.
 * @throws StoreError `store_timeout` when none is free by the deadline.
 */
export async function borrowClient(pool: PostgresPool, deadlineMs: number): Promise<PostgresPoolClient> {
  const client = await connectInTime(pool, deadlineMs)
  return guardClient({
    client,
    deadlineMs,
    giveBack(error) {
      // The pool listens again before this stops.
      client.release(error)
      client.off('error', ignore)
    },
  })
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

interface Guarded {
  client: Pick<Client, 'query'>
  deadlineMs: number
  /** @param error why it must not be used again. */
  giveBack: (error: Error | undefined) => void
  /** Whether the server accepts connections; called when a statement takes long. */
  isAlive?: () => Promise<boolean>
}

/**
 * A client whose statements end by the deadline. A connection without an answer is cut and not returned:
 * behind a network that drops packets it would look busy for a quarter of an hour.
 */
function guardClient({ client, deadlineMs, giveBack, isAlive }: Guarded): PostgresPoolClient {
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
        .then(resolve, (error: Error) => {
          if (isConnectionLost(error)) cut ??= error
          reject(error)
        })
        .finally(() => {
          answered = true
          cancel()
          clearTimeout(doubt)
        })
    })
  return {
    query: ((text: string, parameters: readonly unknown[]) =>
      cut === undefined ? query(text, parameters) : Promise.reject(cut)) as PostgresPoolClient['query'],
    release: () => giveBack(cut),
  }
}
