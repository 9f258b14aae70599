import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'redis'
import { createRedisLimiter, type RedisLimiterOptions } from '../src/redis/index.ts'
import { sized } from './length.ts'
import { report } from './report.ts'

/**
 * What one Redis carries. Counted is the processor time that the server itself takes for each command, which other work of
 * the machine does not change much. A server of our own, so that nobody else's commands are counted.
 */
const commands = sized({ full: 200_000, short: 50_000, smoke: 500 })
const processes = 16
/** Commands that each process has under way. */
const underWay = 4

/** Scripts call others, which count as commands as well. */
const sentByClients = ['ping', 'eval', 'evalsha', 'publish']

const port = await freePort()
const server = spawn(
  'redis-server',
  ['--bind', '127.0.0.1', '--port', String(port), '--save', '', '--appendonly', 'no'],
  { stdio: 'ignore' },
)
try {
  await measure(server)
} finally {
  server.kill()
}

async function measure(running: ChildProcess): Promise<void> {
  const failed = once(running, 'exit').then(() => {
    throw new Error('redis-server has ended')
  })
  failed.catch(() => {})
  const clients = await Promise.race([
    Promise.all(Array.from({ length: processes }, () => connect())),
    failed,
  ])
  const [first] = clients as [Client, ...Client[]]

  await tell('PING, to compare with', first, clients, (client) => client.sendCommand(['PING']))
  const rate = { eps: 1_000_000, burst: 1_000_000 }
  const ask = (mode: RedisLimiterOptions['mode'], keyOf: (number: number) => string) => {
    const limiters = clients.map((client) =>
      createRedisLimiter({ client, timeoutMs: 5_000, ...(mode !== undefined && { mode }) }),
    )
    return {
      consume: (_: Client, number: number) => limiters[number % processes]?.consume(keyOf(number), 1, rate),
      close: () => Promise.all(limiters.map((limiter) => limiter.close())),
    }
  }
  const rows: [string, RedisLimiterOptions['mode'], (number: number) => string][] = [
    ["mode 'strict', one busy key", 'strict', () => 'busy'],
    ["mode 'strict', 10,000 keys", 'strict', (number) => `key ${number % 10_000}`],
    ["mode 'leased', a key for each event", 'leased', (number) => `lone ${number}`],
  ]
  for (const [name, mode, keyOf] of rows) {
    const { consume, close } = ask(mode, keyOf)
    await tell(name, first, clients, consume)
    await close()
  }
  const hearing = await Promise.all(Array.from({ length: processes }, () => connect()))
  for (const client of hearing) await client.subscribe('hints', () => {})
  await tell(`a hint to ${processes} processes`, first, clients, (client, number) =>
    client.sendCommand(['PUBLISH', 'hints', String(number)]),
  )
  for (const client of [...clients, ...hearing]) client.destroy()
}

type Client = Awaited<ReturnType<typeof connect>>

async function tell(
  name: string,
  first: Client,
  clients: readonly Client[],
  ask: (client: Client, number: number) => unknown,
): Promise<void> {
  // Scripts are loaded, and connections known.
  for (let number = 0; number < processes; number++) await ask(clients[number] as Client, number)
  const before = await spent(first)
  let asked = processes
  const askOn = async (client: Client) => {
    while (asked < commands) await ask(client, asked++)
  }
  await Promise.all(clients.flatMap((client) => Array.from({ length: underWay }, () => askOn(client))))
  const after = await spent(first)
  const count = after.commands - before.commands
  const each = ((after.seconds - before.seconds) * 1e6) / count
  report({
    name: `Redis's own processor time for a command: ${name}`,
    value: each,
    unit: 'µs',
    note: `${Math.round(1e6 / each).toLocaleString('en')} a second on one processor, ${(count / commands).toFixed(2)} commands for each event or call`,
  })
}

/** What the server has spent since its start. */
async function spent(client: Client): Promise<{ seconds: number; commands: number }> {
  const text = await client.info('everything')
  const read = (name: string) => Number(new RegExp(`^${name}[:=]([\\d.]+)`, 'm').exec(text)?.[1])
  return {
    seconds: read('used_cpu_user') + read('used_cpu_sys'),
    commands: sentByClients.reduce((sum, name) => sum + (read(`cmdstat_${name}:calls`) || 0), 0),
  }
}

async function connect() {
  for (let attempt = 0; ; attempt++) {
    const client = createClient({ socket: { host: '127.0.0.1', port, reconnectStrategy: false } })
    client.on('error', () => {})
    try {
      return await client.connect()
    } catch (error) {
      if (attempt === 200) throw error
      await sleep(25)
    }
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address() as { port: number }
  probe.close()
  await once(probe, 'close')
  return address.port
}
