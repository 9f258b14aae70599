import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { expect } from 'vitest'
import { sharedNow } from '../processes/messages.ts'
import type { TcpProxy } from '../processes/proxy.ts'
import { type FaultFleet, type Place, storedAfterMs } from './fleet.ts'

export interface Fault {
  readonly name: string
  readonly part: 'database' | 'Redis' | 'worker'
  /** Resolves when all is well again, and what was held back is stored. */
  strike(): Promise<void>
}

/** Everything that can break a part of a fleet. */
export function faultsOf({ databaseUrl, sql, cache, frozen, ended, killed, start }: FaultFleet): Fault[] {
  /** The last time that the database did not do what it was asked. */
  const ill = { since: Number.NEGATIVE_INFINITY, until: Number.NEGATIVE_INFINITY }

  async function outage(begin: () => void, end: () => void): Promise<void> {
    begin()
    await sleep(500 + Math.random() * 1_500)
    end()
    // Until connections are there again, and what was held back is stored.
    await sleep(storedAfterMs)
  }
  const ofDatabase = (begin: () => void, end: () => void) => async () => {
    ill.since = sharedNow()
    ill.until = Number.POSITIVE_INFINITY
    await outage(begin, () => {
      end()
      ill.until = sharedNow()
    })
  }
  const through = (proxy: TcpProxy, part: 'database' | 'Redis', slowMs: number): Fault[] => {
    const during =
      part === 'database' ? ofDatabase : (begin: () => void, end: () => void) => () => outage(begin, end)
    return [
      [
        `${part} silent`,
        during(
          () => proxy.blackhole(true),
          () => proxy.blackhole(false),
        ),
      ],
      [
        `${part} refused`,
        during(
          () => proxy.cut(true),
          () => proxy.cut(false),
        ),
      ],
      [
        `${part} slow`,
        during(
          () => proxy.delay(slowMs),
          () => proxy.delay(0),
        ),
      ],
    ].map(([name, strike]) => ({ name, part, strike }) as Fault)
  }
  const worker = (name: string, strike: () => Promise<void>): Fault => ({ name, part: 'worker', strike })

  function isDatabaseIll(): boolean {
    return sharedNow() < ill.until + storedAfterMs
  }
  /** From now on this process stores nothing more. */
  function noteUnsure(place: Place, since: number): void {
    place.unsure.push({
      since: Math.min(since, isDatabaseIll() ? ill.since : since) - storedAfterMs,
      until: sharedNow(),
    })
  }

  return [
    ...through(sql, 'database', 30),
    {
      name: 'connections ended',
      part: 'database',
      async strike() {
        ill.since = ill.until = sharedNow()
        await terminate(databaseUrl)
        await sleep(storedAfterMs)
      },
    },
    ...through(cache, 'Redis', 60),
    worker('SIGSTOP', () =>
      outage(
        () => void frozen.worker.child.kill('SIGSTOP'),
        () => void frozen.worker.child.kill('SIGCONT'),
      ),
    ),
    worker('SIGTERM', async () => {
      const gone = once(ended.worker.child, 'exit')
      ended.worker.child.kill('SIGTERM')
      const [code] = await gone
      expect(code).toBe(0)
      // It stores what it has counted, unless it cannot.
      if (isDatabaseIll()) noteUnsure(ended, sharedNow())
      Object.assign(ended, await start(ended))
    }),
    worker('SIGKILL', async () => {
      const killedAt = sharedNow()
      await killed.worker.kill()
      noteUnsure(killed, killedAt)
      Object.assign(killed, await start(killed))
    }),
  ]
}

/** Each fault with each of another part, in any order. */
export function pairsOf(faults: readonly Fault[]): [Fault, Fault][] {
  return faults.flatMap((one, at) =>
    faults
      .slice(at + 1)
      .filter(({ part }) => part !== one.part)
      .map((other): [Fault, Fault] => [one, other]),
  )
}

export function shuffled<T>(values: readonly T[]): T[] {
  return values
    .map((value) => ({ value, at: Math.random() }))
    .sort((one, other) => one.at - other.at)
    .map(({ value }) => value)
}

async function terminate(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
  )
  await client.end()
}
