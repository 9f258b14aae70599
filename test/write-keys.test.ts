import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMemoryStore, type KeyStore } from '../src/index.ts'
import { post, setUp, web } from './manual-keys.ts'

const hourMs = 3_600_000

describe('the life of a key', () => {
  /** What should be so: each secret's deadline, and whether the key is still there. */
  interface Model {
    secrets: { secret: string; endsAt: number }[]
    state: 'active' | 'revoked' | 'removed'
  }

  const steps = fc.array(
    fc.oneof(
      fc.record({ do: fc.constant('rotate' as const), hours: fc.constantFrom(0, 0.5, 1, 24, 720) }),
      fc.record({ do: fc.constant('wait' as const), hours: fc.constantFrom(0.25, 1, 23, 100) }),
      fc.record({ do: fc.constant('revoke' as const), hours: fc.constant(0) }),
      fc.record({ do: fc.constant('rename' as const), hours: fc.constant(0) }),
      fc.record({ do: fc.constant('remove' as const), hours: fc.constant(0) }),
      fc.record({ do: fc.constant('end a grace' as const), hours: fc.constant(0) }),
    ),
    { minLength: 1, maxLength: 15 },
  )

  it('accepts exactly the secrets that a simple model says, after any history', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (history) => {
        const { keys, clock, ask } = setUp()
        const created = await keys.create(web)
        const { id } = created.writeKey
        const model: Model = {
          secrets: [{ secret: created.key, endsAt: Number.POSITIVE_INFINITY }],
          state: 'active',
        }
        const live = () => model.secrets.filter(({ endsAt }) => endsAt > clock.now())
        const outcome = (call: Promise<unknown>) =>
          call.then(
            () => 'done',
            (error) => error.reason ?? error.code,
          )

        for (const step of history) {
          if (step.do === 'wait') clock.advance(step.hours * hourMs)
          if (step.do === 'rename') {
            expect(await outcome(keys.update(id, { name: 'Renamed' }))).toBe(
              model.state === 'removed' ? 'not_found' : 'done',
            )
          }
          if (step.do === 'revoke') {
            expect(await outcome(keys.revoke(id))).toBe(model.state === 'removed' ? 'not_found' : 'done')
            if (model.state === 'active') model.state = 'revoked'
          }
          if (step.do === 'remove') {
            expect(await outcome(keys.remove(id))).toBe(model.state === 'removed' ? 'not_found' : 'done')
            model.state = 'removed'
          }
          if (step.do === 'rotate') {
            const deadline = clock.now() + step.hours * hourMs
            const remaining = live().filter(({ endsAt }) => Math.min(endsAt, deadline) > clock.now())
            let expected = 'done'
            if (model.state === 'removed') expected = 'not_found'
            else if (model.state === 'revoked') expected = 'revoked'
            else if (remaining.length >= 5) expected = 'too_many_secrets'
            let key = ''
            expect(
              await outcome(
                keys.rotate(id, { gracePeriodHours: step.hours }).then((answer) => {
                  key = answer.key
                  expect(answer.graceExpiresAt.getTime()).toBe(deadline)
                }),
              ),
            ).toBe(expected)
            if (expected === 'done') {
              for (const entry of model.secrets) entry.endsAt = Math.min(entry.endsAt, deadline)
              model.secrets.push({ secret: key, endsAt: Number.POSITIVE_INFINITY })
            }
          }
          if (step.do === 'end a grace' && model.state === 'active') {
            const index = live().findIndex(({ endsAt }) => endsAt !== Number.POSITIVE_INFINITY)
            const ending = live()[index]
            if (ending !== undefined) {
              const { secrets } = await keys.get(id)
              const secretId = secrets.find(
                ({ start, expiresAt }) =>
                  ending.secret.startsWith(start) && expiresAt?.getTime() === ending.endsAt,
              )?.id
              await keys.endGrace(id, secretId as string)
              ending.endsAt = clock.now()
            }
          }
          for (const { secret, endsAt } of model.secrets) {
            const accepted = model.state === 'active' && endsAt > clock.now()
            expect((await ask(secret)) === 'accepted').toBe(accepted)
          }
          // The budget for unknown keys is not what is tested here.
          clock.advance(20_000)
        }
        await keys.close()
      }),
      { numRuns: 100 },
    )
  })

  it('lets one of two concurrent rotations win, and tells the other', async () => {
    const { keys, ask } = setUp()
    const { writeKey } = await keys.create(web)
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => keys.rotate(writeKey.id)))
    const won = results.filter((result) => result.status === 'fulfilled')
    const lost = results.filter((result) => result.status === 'rejected')
    expect(won).toHaveLength(1)
    for (const { reason } of lost) expect(reason).toMatchObject({ code: 'conflict', reason: 'version' })
    expect(await ask(won[0]?.value.key as string)).toBe('accepted')
  })

  it('lets a revocation win over whatever happens at the same time', async () => {
    for (let round = 0; round < 50; round++) {
      const { keys, ask } = setUp()
      const { writeKey, key } = await keys.create(web)
      const [rotated] = await Promise.allSettled([keys.rotate(writeKey.id), keys.revoke(writeKey.id)])
      expect(await ask(key)).toBe('revoked_key')
      if (rotated.status === 'fulfilled') expect(await ask(rotated.value.key)).toBe('revoked_key')
      expect((await keys.get(writeKey.id)).status).toBe('revoked')
    }
  })

  it('is told about edits in between, when asked to mind them', async () => {
    const { keys } = setUp()
    const { writeKey } = await keys.create(web)
    await keys.update(writeKey.id, { name: 'One' }, { version: 1 })
    await expect(keys.update(writeKey.id, { name: 'Two' }, { version: 1 })).rejects.toMatchObject({
      code: 'conflict',
      reason: 'version',
    })
    expect((await keys.get(writeKey.id)).name).toBe('One')
  })

  it.each(['', 'wk_', 'wk_missing', '../x', 'wk_%', 7, null, {}, ['wk_a']])(
    'is not found by the id %j',
    async (id) => {
      const { keys } = setUp()
      await keys.create(web)
      for (const call of [keys.get, keys.revoke, keys.remove, keys.rotate]) {
        await expect((call as (id: unknown) => Promise<unknown>)(id)).rejects.toMatchObject({
          code: 'not_found',
        })
      }
    },
  )

  it('is not changed by what callers do to what they were given', async () => {
    const { keys, ask } = setUp()
    const allowedEventTypes = ['track']
    const { writeKey, key } = await keys.create({ ...web, allowedEventTypes, metadata: { team: 'a' } })
    allowedEventTypes.push('page')
    for (const shown of [writeKey, await keys.get(writeKey.id), (await keys.list()).data[0]]) {
      ;((shown?.allowedEventTypes ?? []) as string[]).push('identify')
      Object.assign(shown?.metadata ?? {}, { team: 'b' })
    }
    await keys.update(writeKey.id, { name: 'Renamed' })
    expect(await keys.get(writeKey.id)).toMatchObject({
      allowedEventTypes: ['track'],
      metadata: { team: 'a' },
    })
    expect(await ask(key, { type: 'track' })).toBe('accepted')
  })
})

describe('verification', () => {
  const bytes = fc.string({ unit: 'binary', maxLength: 60 })

  it('neither throws nor passes, whatever the headers are', async () => {
    const { keys } = setUp({ credentials: ['basic', 'header', 'query', 'body'] })
    const value = fc.oneof(
      bytes,
      fc.array(bytes, { maxLength: 3 }),
      bytes.map((text) => `Basic ${Buffer.from(text).toString('base64')}`),
    )
    const names = [
      'authorization',
      'x-write-key',
      'origin',
      'content-encoding',
      'x-forwarded-for',
      'content-length',
    ]
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.constantFrom(...names), value),
        bytes,
        fc.anything(),
        async (headers, text, body) => {
          const verdict = await keys.verify({ method: 'POST', path: `/${text}`, query: text, headers, body })
          expect(verdict.ok).toBe(false)
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it('refuses every mutation of a credential without asking the store', async () => {
    let reads = 0
    const memory = createMemoryStore()
    const store: KeyStore = {
      ...memory,
      poll(question) {
        reads++
        return memory.poll(question)
      },
    }
    const { keys } = setUp({ store })
    const { key } = await keys.create(web)
    const credential = Buffer.from(`${key}:`).toString('base64')
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: credential.length - 2 }),
        fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
        async (at, character) => {
          const mutated = credential.slice(0, at) + character + credential.slice(at + 1)
          if (mutated === credential) return
          const verdict = await keys.verify({ ...post(key), headers: { authorization: `Basic ${mutated}` } })
          expect(verdict.ok).toBe(false)
        },
      ),
      { numRuns: 5_000 },
    )
    expect(reads).toBe(0)
  })

  it('admits exactly 500 of 10 000 requests at once at 500 events per second', async () => {
    const { keys, ask } = setUp()
    const { key } = await keys.create({ ...web, rateLimitEps: 500 })
    const outcomes = await Promise.all(Array.from({ length: 10_000 }, () => ask(key)))
    expect(outcomes.filter((outcome) => outcome === 'accepted')).toHaveLength(500)
    expect(outcomes.filter((outcome) => outcome === 'rate_limited')).toHaveLength(9_500)
  })

  it('counts both secrets of a key in one bucket', async () => {
    const { keys, ask } = setUp()
    const { key, writeKey } = await keys.create({ ...web, rateLimitEps: 10 })
    const rotated = await keys.rotate(writeKey.id)
    const outcomes: string[] = []
    for (let count = 0; count < 10; count++) outcomes.push(await ask(key), await ask(rotated.key))
    expect(outcomes.filter((outcome) => outcome === 'accepted')).toHaveLength(10)
  })

  it('accepts keys of every pepper, and makes new ones with the newest', async () => {
    const store = createMemoryStore()
    const make = (pepper?: (string | null)[]) => setUp({ store, ...(pepper && { pepper }) })
    const plain = (await make().keys.create(web)).key
    const old = (await make(['old-old-old-old-old', null]).keys.create(web)).key
    const both = make(['new-new-new-new-new', 'old-old-old-old-old', null])
    const fresh = (await both.keys.create(web)).key
    for (const key of [plain, old, fresh]) expect(await both.ask(key)).toBe('accepted')
    const newest = make(['new-new-new-new-new'])
    expect(await newest.ask(fresh)).toBe('accepted')
    // It cannot know whether they are good.
    for (const key of [plain, old]) expect(await newest.ask(key)).toBe('store_unavailable')
  })
})
