import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'redis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { LimiterChange, RateLimiter } from '../../src/limits/rate-limiter.ts'
import { createRedisLimiter, type RedisLimiterOptions } from '../../src/redis/index.ts'
import { scriptCommands } from '../../src/redis/script.ts'
import { describeWithService } from '../services.ts'
import { documentedAcl } from './documented-acl.ts'
import { createOwnRedis, type OwnRedis } from './own-redis.ts'

type NodeRedis = Pick<ReturnType<typeof createClient>, 'sendCommand' | 'flushAll' | 'destroy'>

const rate = { eps: 1, burst: 200 }
const modes = ['leased', 'strict'] as const

describeWithService('redis', 'the Redis limiter on a server that refuses', () => {
  let redis: OwnRedis
  /** May do everything; breaks and mends the server. */
  let admin: NodeRedis
  let changes: LimiterChange[] = []
  let ends: (() => unknown)[] = []

  beforeAll(async () => {
    redis = await createOwnRedis()
    await redis.start('--maxmemory-policy', 'noeviction')
    admin = await createClient({ url: redis.url }).connect()
  })
  beforeEach(() => {
    changes = []
  })
  afterEach(async () => {
    for (const end of ends.reverse()) await end()
    ends = []
    await ask('CONFIG', 'SET', 'maxmemory', '0')
    await ask('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
    await admin.flushAll()
  })
  afterAll(async () => {
    admin.destroy()
    await redis.kill()
  })

  const ask = (...args: string[]) => admin.sendCommand(args)

  async function open(user?: string) {
    const login = user === undefined ? {} : { username: user, password: 'secret' }
    const client = createClient({ url: redis.url, ...login })
    client.on('error', () => {})
    await client.connect()
    ends.push(() => client.destroy())
    return client
  }

  function limit(client: RedisLimiterOptions['client'], options: Partial<RedisLimiterOptions> = {}) {
    const limiter = createRedisLimiter({ client, processes: 4, timeoutMs: 2_000, ...options })
    limiter.observe?.((change) => changes.push(change))
    ends.push(() => limiter.close())
    return limiter
  }

  async function admitted(limiter: RateLimiter, calls: number, keyId = 'wk_a'): Promise<number> {
    let count = 0
    for (let call = 0; call < calls; call++) if ((await limiter.consume(keyId, 1, rate)).allowed) count++
    return count
  }

  const states = (of = changes) => of.map(({ state }) => state)
  const messages = (of = changes) =>
    of.flatMap((change) => (change.state === 'degraded' ? [change.error.message] : []))

  async function recovery(of = changes): Promise<void> {
    const startedAt = performance.now()
    while (of.at(-1)?.state !== 'recovered' && performance.now() - startedAt < 15_000) await sleep(10)
    expect(states(of).at(-1)).toBe('recovered')
  }

  /** One of several limiters side by side, each with buckets and changes of its own. */
  async function apart(name: string, options: Partial<RedisLimiterOptions>, user?: string) {
    const limiter = limit(await open(user), { prefix: `writekey:${name}:`, ...options })
    const own: LimiterChange[] = []
    limiter.observe?.((change) => own.push(change))
    return { limiter, own }
  }

  describe('permissions', () => {
    const setUser = (...rules: string[]) => setUserOf('app', ...rules)
    const setUserOf = (user: string, ...rules: string[]) =>
      ask('ACL', 'SETUSER', user, 'reset', 'on', '>secret', ...rules)

    it.each(modes)('needs none but the documented ones (%s)', async (mode) => {
      await setUser(...documentedAcl())
      const fleet = [limit(await open('app'), { mode, processes: undefined })]
      fleet.push(limit(await open('app'), { mode, processes: undefined }))
      let total = 0
      const startedAt = performance.now()
      for (let round = 0; round < 15; round++) {
        for (const limiter of fleet) total += await admitted(limiter, 10)
      }
      const drained = Math.ceil(((performance.now() - startedAt) / 1_000) * rate.eps)
      // What was lowered has to be remembered for longer, and what was given back may leave nothing.
      const [first] = fleet as [RateLimiter]
      await first.consume('wk_a', 5, { eps: 0.5, burst: 10 })
      await first.consume('wk_b', 1, rate)
      await first.refund?.('wk_b', 1)
      await Promise.all(fleet.map((limiter) => limiter.close()))
      expect(total).toBeGreaterThanOrEqual(200)
      expect(total).toBeLessThanOrEqual(200 + drained)
      expect(changes).toEqual([])
    })

    it('takes the lack of a command for an outage, and names it', async () => {
      async function goWithout(command: string, mode: (typeof modes)[number]) {
        const user = `${command}_${mode}`
        await setUserOf(user, ...documentedAcl(), `-${command.toLowerCase()}`)
        const { limiter, own } = await apart(user, { mode }, user)
        expect(await admitted(limiter, 300), user).toBe(50)
        expect(states(own)).toEqual(['degraded'])
        expect(messages(own)[0]).toContain(`may not run ${command}.`)
        await sleep(300)
        expect(states(own), user).toEqual(['degraded'])
        await setUserOf(user, ...documentedAcl())
        await recovery(own)
        expect(states(own), user).toEqual(['degraded', 'recovered'])
      }
      const commands = ['GET', 'SET', 'TIME', 'EVALSHA']
      await Promise.all(commands.flatMap((command) => modes.map((mode) => goWithout(command, mode))))
    })

    it('is not said to be back while one of its commands is missing', async () => {
      async function giveOneBack(command: string) {
        await setUserOf(command, ...documentedAcl(), '-set')
        const { limiter, own } = await apart(command, { processes: undefined }, command)
        await admitted(limiter, 1)
        expect(states(own), command).toEqual(['degraded'])
        await setUserOf(command, ...documentedAcl(), `-${command.toLowerCase()}`)
        await sleep(600)
        // Leaving is the one thing that cannot be tried beforehand.
        if (command === 'ZREM') return
        expect(states(own), command).not.toContain('recovered')
        expect(messages(own).at(-1)).toContain(`may not run ${command}.`)
      }
      await Promise.all(scriptCommands.map(giveOneBack))
    })

    it('names all that is missing at once', async () => {
      await setUser(...documentedAcl(), '-get', '-zadd', '-pexpire')
      await admitted(limit(await open('app')), 1)
      expect(messages()).toEqual([expect.stringContaining('may not run GET, PEXPIRE, ZADD.')])
      expect(messages()[0]).toContain('+get +pexpire +zadd')
    })

    it.each([
      ['other keys', '~other:*'],
      ['keys that may only be read', '%R~writekey:*'],
    ])('takes a user of %s for an outage, and names the keys', async (_kind, pattern) => {
      await setUser(...documentedAcl(), 'resetkeys', pattern)
      const limiter = limit(await open('app'))
      expect(await admitted(limiter, 300)).toBe(50)
      expect(messages()).toEqual([expect.stringContaining('the keys "writekey:*"')])
      await setUser(...documentedAcl())
      await recovery()
    })

    it('hears of a password that was changed', async () => {
      await setUser(...documentedAcl())
      const client = await open('app')
      const limiter = limit(client)
      expect(await admitted(limiter, 1)).toBe(1)
      await ask('ACL', 'DELUSER', 'app')
      await sleep(50)
      expect(await admitted(limiter, 300, 'wk_new')).toBe(50)
      expect(states()).toEqual(['degraded'])
    })
  })

  describe('memory', () => {
    const fill = (megabytes: number) =>
      ask(
        'EVAL',
        `for i = 1, ${megabytes} do redis.call('SET', 'fill:' .. i, string.rep('x', 1048576)) end`,
        '0',
      )

    it('tells of a full server once, however long that lasts', async () => {
      const limiters = await Promise.all(modes.map((mode) => apart(mode, { mode, processes: undefined })))
      for (const { limiter } of limiters) await admitted(limiter, 20)
      await ask('CONFIG', 'SET', 'maxmemory', '1')
      const endAt = performance.now() + 2_000
      while (performance.now() < endAt) {
        for (const { limiter } of limiters) await admitted(limiter, 5, `wk_${Math.random()}`)
        await sleep(5)
      }
      for (const { own } of limiters) {
        expect(states(own)).toEqual(['degraded'])
        expect(messages(own)[0]).toContain('maxmemory')
      }
      await ask('CONFIG', 'SET', 'maxmemory', '0')
      for (const { own } of limiters) {
        await recovery(own)
        expect(states(own)).toEqual(['degraded', 'recovered'])
      }
    })

    it('tells once of a server that is full again and again', async () => {
      const limiter = limit(await open())
      let asked = 0
      const isShared = async () => {
        const keyId = `wk_${++asked}`
        await admitted(limiter, 1, keyId)
        return Number(await ask('EXISTS', `writekey:limit:{${keyId}}`)) === 1
      }
      // As soon as it is back it is full again. Each relapse doubles how long it has to hold at the end.
      for (let relapse = 0; relapse < 3; relapse++) {
        await ask('CONFIG', 'SET', 'maxmemory', '1')
        await expect.poll(isShared, { interval: 5 }).toBe(false)
        await ask('CONFIG', 'SET', 'maxmemory', '0')
        await expect.poll(isShared, { interval: 5 }).toBe(true)
      }
      expect(states()).toEqual(['degraded'])
      await recovery()
    })

    it.each(['allkeys-lru', 'allkeys-random', 'volatile-ttl'])(
      'keeps limits, and tells, when %s evicts its buckets',
      async (policy) => {
        for (const mode of modes) {
          changes = []
          const client = await open()
          const limiter = limit(client, { mode, processes: 1 })
          await ask('CONFIG', 'SET', 'maxmemory-policy', policy)
          let total = 0
          const startedAt = performance.now()
          for (let round = 0; round < 15; round++) {
            total += await admitted(limiter, 20, 'wk_evicted')
            await fill(1)
            await ask('CONFIG', 'SET', 'maxmemory', '1000000')
            await ask('CONFIG', 'SET', 'maxmemory', '0')
            expect(await ask('EXISTS', 'writekey:limit:{wk_evicted}')).toBe(0)
          }
          const drained = Math.ceil(((performance.now() - startedAt) / 1_000) * rate.eps)
          expect(total).toBeLessThanOrEqual(rate.burst + 20 + drained)
          expect(states()[0]).toBe('degraded')
          expect(messages()[0]).toContain('noeviction')
          await limiter.close()
        }
      },
    )
  })

  it('takes no flush for a habit, and goes on from what it remembers', async () => {
    for (const mode of modes) {
      const limiter = limit(await open(), { mode })
      const keyIds = ['wk_a', 'wk_b', 'wk_c']
      const startedAt = performance.now()
      for (const keyId of keyIds) expect(await admitted(limiter, 150, keyId)).toBe(150)
      await admin.flushAll()
      for (const keyId of keyIds) {
        const total = await admitted(limiter, 100, keyId)
        const drained = Math.ceil(((performance.now() - startedAt) / 1_000) * rate.eps)
        expect(total).toBeLessThanOrEqual(52 + drained)
      }
      await limiter.close()
      await admin.flushAll()
    }
    expect(changes).toEqual([])
  })

  it('takes a server that is busy with somebody else for an outage', async () => {
    await ask('CONFIG', 'SET', 'busy-reply-threshold', '10')
    const limiter = limit(await open(), { timeoutMs: 100 })
    await admitted(limiter, 1)
    const busy = await open()
    const looping = busy.eval('while true do end').catch(() => {})
    ends.push(() => ask('SCRIPT', 'KILL').catch(() => {}))
    await expect.poll(() => ask('PING').catch(String)).toContain('BUSY')
    expect(await admitted(limiter, 300, 'wk_new')).toBe(50)
    expect(messages()).toEqual([expect.stringContaining('busy')])
    await ask('SCRIPT', 'KILL')
    await looping
    await recovery()
  })

  it('takes a replica without its primary for an outage', async () => {
    const limiter = limit(await open())
    await admitted(limiter, 1)
    await ask('CONFIG', 'SET', 'replica-serve-stale-data', 'no')
    await ask('REPLICAOF', '127.0.0.1', '1')
    expect(await admitted(limiter, 300, 'wk_new')).toBe(50)
    expect(messages()).toEqual([expect.stringContaining('lost its primary')])
    await ask('REPLICAOF', 'NO', 'ONE')
    await recovery()
  })

  it('takes a server that cannot save, and so refuses writes, for an outage', async () => {
    const limiter = limit(await open())
    await admitted(limiter, 1)
    await ask('CONFIG', 'SET', 'min-replicas-to-write', '3')
    expect(await admitted(limiter, 300, 'wk_new')).toBe(50)
    expect(messages()).toEqual([expect.stringContaining('too few replicas')])
    await ask('CONFIG', 'SET', 'min-replicas-to-write', '0')
    await recovery()
  })

  it('takes replies that are none for an outage', async () => {
    const limiter = limit({ sendCommand: async () => 'OK' })
    expect(await admitted(limiter, 300)).toBe(50)
    expect(messages()).toEqual(['Redis sent an unexpected reply.'])
  })

  it('sends a script that the server has forgotten once, however many ask for it', async () => {
    const client = await open()
    let texts = 0
    const limiter = limit(
      {
        sendCommand(args: string[]) {
          if (args[0] === 'EVAL') texts++
          return client.sendCommand(args)
        },
      },
      { timeoutMs: 5_000 },
    )
    await admitted(limiter, 1)
    await ask('SCRIPT', 'FLUSH')
    texts = 0
    const answers = await Promise.all(
      Array.from({ length: 2_000 }, (_, index) => limiter.consume(`wk_${index}`, 1, rate)),
    )
    expect(answers.every(({ allowed }) => allowed)).toBe(true)
    expect(texts).toBeLessThan(20)
    expect(changes).toEqual([])
  })

  it('leaves a process that was killed out of the count within seconds', async () => {
    const clients = [await open(), await open(), await open(), await open()]
    const fleet = clients.map((client) => limit(client, { processes: undefined }))
    for (const limiter of fleet) await admitted(limiter, 1)
    await sleep(1_200)
    const processes = async () => Number(await ask('ZCARD', 'writekey:{processes}'))
    expect(await processes()).toBe(4)
    for (const client of clients.slice(1)) client.destroy()
    await sleep(3_600)
    expect(await processes()).toBe(1)
    // Alone in an outage, the one that is left has all of the rate.
    await ask('CONFIG', 'SET', 'min-replicas-to-write', '3')
    expect(await admitted(fleet[0] as RateLimiter, 300, 'wk_new')).toBe(200)
    await ask('CONFIG', 'SET', 'min-replicas-to-write', '0')
  })
})
