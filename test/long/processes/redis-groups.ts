import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { freePort } from '../../free-port.ts'
import { createOwnRedis, type OwnRedis } from '../../redis/own-redis.ts'

const run = promisify(execFile)

/** Asks a server something, as an operator would. */
export async function redisCli(port: number, ...args: string[]): Promise<string> {
  return (await run('redis-cli', ['-p', String(port), ...args])).stdout
}

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 400; attempt++) {
    if (await condition().catch(() => false)) return
    await sleep(25)
  }
  throw new Error(`never happened: ${what}`)
}

/** Resolves when a server takes writes. */
function untilPrimary(redis: OwnRedis): Promise<void> {
  return until('promotion', async () => (await redisCli(redis.port, 'role')).startsWith('master'))
}

/**
 * Lets a replica of a cluster take the place of its dead primary, unless the others have chosen it already: an election so
 * soon after slots have moved may fail a few times.
 */
export async function takeOver(replica: OwnRedis): Promise<void> {
  await redisCli(replica.port, 'cluster', 'failover', 'takeover')
  await untilPrimary(replica)
}

/** A primary with a replica, and a sentinel that promotes it. */
export interface SentinelGroup {
  primary: OwnRedis
  replica: OwnRedis
  sentinelPort: number
  /** Resolves when the sentinel names the replica as the primary. */
  promotion(): Promise<void>
  end(): Promise<void>
}

export async function startSentinelGroup(): Promise<SentinelGroup> {
  const folder = mkdtempSync(join(tmpdir(), 'writekey-sentinel-'))
  const [primary, replica] = [await createOwnRedis(), await createOwnRedis()]
  await primary.start()
  await replica.start('--replicaof', '127.0.0.1', String(primary.port))
  await until('replication', async () => (await redisCli(replica.port, 'role')).includes('connected'))
  const sentinelPort = await freePort()
  const file = join(folder, 'sentinel.conf')
  writeFileSync(
    file,
    [
      `port ${sentinelPort}`,
      'bind 127.0.0.1',
      `dir ${folder}`,
      `sentinel monitor primary 127.0.0.1 ${primary.port} 1`,
      'sentinel down-after-milliseconds primary 500',
      'sentinel failover-timeout primary 5000',
    ].join('\n'),
  )
  const sentinel = spawn('redis-server', [file, '--sentinel'], { stdio: 'ignore' })
  const gone = once(sentinel, 'exit')
  await until('a sentinel that knows the replica', async () =>
    (await redisCli(sentinelPort, 'sentinel', 'replicas', 'primary')).includes(String(replica.port)),
  )
  return {
    primary,
    replica,
    sentinelPort,
    promotion: () =>
      until('promotion', async () =>
        (await redisCli(sentinelPort, 'sentinel', 'get-master-addr-by-name', 'primary')).includes(
          String(replica.port),
        ),
      ),
    async end() {
      sentinel.kill('SIGKILL')
      await Promise.all([gone, primary.kill(), replica.kill()])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Three primaries with a replica each. */
export interface RedisCluster {
  nodes: readonly OwnRedis[]
  /** The primary that has the slot of a key. */
  ownerOf(key: string): Promise<OwnRedis>
  /** Moves the slot of a key to another primary, and leaves it halfway for a moment. */
  moveKey(key: string): Promise<void>
  /** How often clients were told to ask another node. */
  redirections(): Promise<{ asked: number; moved: number }>
  replicaOf(primary: OwnRedis): Promise<OwnRedis>
  end(): Promise<void>
}

export async function startRedisCluster(): Promise<RedisCluster> {
  const nodes: OwnRedis[] = []
  for (let index = 0; index < 6; index++) {
    const node = await createOwnRedis()
    await node.start('--cluster-enabled', 'yes', '--cluster-node-timeout', '500')
    nodes.push(node)
  }
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`)
  await run('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-replicas', '1', '--cluster-yes'])
  for (const { port } of nodes) {
    await until('a whole cluster', async () =>
      (await redisCli(port, 'cluster', 'info')).includes('cluster_state:ok'),
    )
  }
  const primaries = nodes.slice(0, 3)
  async function ownerOf(key: string): Promise<OwnRedis> {
    for (const node of primaries) if (!(await redisCli(node.port, 'get', key)).includes('MOVED')) return node
    throw new Error(`no primary has the slot of ${key}`)
  }
  const idOf = async ({ port }: OwnRedis) => (await redisCli(port, 'cluster', 'myid')).trim()
  return {
    nodes,
    ownerOf,
    async moveKey(key) {
      const from = await ownerOf(key)
      const to = primaries.find((node) => node !== from) as OwnRedis
      const slot = (await redisCli(from.port, 'cluster', 'keyslot', key)).trim()
      const set = ({ port }: OwnRedis, ...state: string[]) =>
        redisCli(port, 'cluster', 'setslot', slot, ...state)
      await set(to, 'importing', await idOf(from))
      await set(from, 'migrating', await idOf(to))
      await redisCli(from.port, 'migrate', '127.0.0.1', String(to.port), key, '0', '1000', 'replace')
      await sleep(150)
      await redisCli(from.port, 'migrate', '127.0.0.1', String(to.port), key, '0', '1000', 'replace')
      for (const node of new Set([to, from, ...primaries])) await set(node, 'node', await idOf(to))
    },
    async redirections() {
      const told = await Promise.all(nodes.map(({ port }) => redisCli(port, 'info', 'errorstats')))
      const sum = (name: string) =>
        told.reduce(
          (total, text) => total + Number(new RegExp(`${name}:count=(\\d+)`).exec(text)?.[1] ?? 0),
          0,
        )
      return { asked: sum('errorstat_ASK'), moved: sum('errorstat_MOVED') }
    },
    async replicaOf(primary) {
      const line = await redisCli(primary.port, 'cluster', 'replicas', await idOf(primary))
      const found = nodes.find(({ port }) => line.includes(`:${port}@`))
      if (found === undefined) throw new Error(`no replica in ${line}`)
      return found
    },
    async end() {
      await Promise.all(nodes.map((node) => node.kill()))
    },
  }
}
