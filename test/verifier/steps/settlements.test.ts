import { describe, expect, it, onTestFinished } from 'vitest'
import {
  type CreateKeyInput,
  createMemoryStore,
  createWriteKeys,
  type WriteKeysOptions,
} from '../../../src/index.ts'
import { type Settlement, withSettlement } from '../../../src/verifier/settlement.ts'
import { post } from '../../manual-keys.ts'
import { startTold } from '../told-keys.ts'

async function start(fields: Partial<CreateKeyInput> = {}, options: WriteKeysOptions = {}) {
  const { keys, make, wait } = startTold(options)
  const { key, writeKey } = await make(fields)
  /** Lets requests through, and leaves their end open. */
  const pass = async (
    body: unknown = [{ type: 'track' }],
    path = '/v1/batch',
    decider: 'guard' | 'endpoint' = 'endpoint',
  ) => {
    let settlement: Settlement | undefined
    const verdict = await keys.verify(
      withSettlement({ ...post(key, body), path }, decider, (given) => {
        settlement = given
      }),
    )
    return { verdict, settlement: settlement as Settlement }
  }
  const reasonOf = async (count = 1) => {
    const { verdict, settlement } = await pass(Array.from({ length: count }, () => ({ type: 'track' })))
    if (verdict.ok) settlement.accept()
    return verdict.ok ? 'accepted' : verdict.reason
  }
  const usage = async () => {
    const { acceptedTotal, refused } = await keys.usage(writeKey.id)
    return [acceptedTotal, refused]
  }
  return { keys, secret: key, id: writeKey.id, pass, reasonOf, usage, wait }
}

const two = [{ type: 'track' }, { type: 'page' }]

it('a request whose end nobody asks for counts at once', async () => {
  const { keys, usage, secret } = await start()
  await keys.verify({ ...post(secret, two), path: '/v1/batch' })
  expect(await usage()).toEqual([2, {}])
})

describe('a request whose end is left open', () => {
  it('counts when it is accepted, once', async () => {
    const { pass, usage } = await start()
    const { settlement } = await pass(two)
    expect(await usage()).toEqual([0, {}])
    settlement.accept()
    settlement.accept()
    expect(await usage()).toEqual([2, {}])
  })

  it('counts the events that are left of it', async () => {
    const { pass, usage } = await start({}, { onForbiddenEvent: 'drop' })
    const { settlement } = await pass(two)
    settlement.accept({ events: [{ type: 'track' }], rejected: [] })
    expect(await usage()).toEqual([1, {}])
  })

  it.each([
    ['a batch, where events are dropped', 'drop', two, true],
    ['a single event', 'drop', { type: 'track' }, false],
    ['a batch, where it is refused as a whole', 'reject', two, false],
  ] as const)('may leave events out: %s', async (_, onForbiddenEvent, body, expected) => {
    const { pass } = await start({}, { onForbiddenEvent })
    const { settlement } = await pass(body)
    expect(settlement.drops).toBe(expected)
    settlement.accept()
  })

  it('is given back when it is refused, unless its charge is kept', async () => {
    const { pass, reasonOf, usage } = await start({ rateLimitEps: 2 })
    const { settlement } = await pass(two)
    expect(settlement.refuse('handler_failed')).toMatchObject({ ok: false, reason: 'handler_failed' })
    const again = (await pass(two)).settlement
    settlement.accept()
    again.refuse('invalid_event', { keepCharge: true })
    expect(await reasonOf()).toBe('rate_limited')
    const [accepted, refused] = await usage()
    expect(accepted).toBe(0)
    expect(refused).toMatchObject({ handler_failed: 1, invalid_event: 1 })
  })

  it.each([
    ['key', { rateLimitEps: 2 }],
    ['sender', { senderRateLimitEps: 2 }],
  ])('is given back up to one bucket of its %s a minute', async (_, fields) => {
    const { pass, reasonOf, wait } = await start(fields)
    for (let count = 0; count < 2; count++)
      (await pass([{ type: 'track' }])).settlement.refuse('handler_failed')
    const last = (await pass([{ type: 'track' }])).settlement
    last.refuse('handler_failed')
    expect(await reasonOf(2)).not.toBe('accepted')
    expect(await reasonOf(1)).toBe('accepted')
    wait(60_000)
    ;(await pass(two)).settlement.refuse('handler_failed')
    expect(await reasonOf(2)).toBe('accepted')
  })

  it.each(['guard', 'endpoint'] as const)(
    'is counted once where it was counted first, if a %s refuses it later',
    async (decider) => {
      const { pass, usage } = await start()
      const { settlement } = await pass(two, '/v1/batch', decider)
      settlement.accept()
      settlement.refuse('handler_failed')
      settlement.accept()
      expect((await usage())[0]).toBe(2)
    },
  )

  it('is counted as let through when write keys are closed, where a guard left it open', async () => {
    const store = createMemoryStore()
    const { keys, id, pass } = await start({}, { store })
    await pass(two, '/v1/batch', 'guard')
    await keys.close()
    const later = createWriteKeys({ store, logger: false, clock: () => 1_800_000_000_000 })
    onTestFinished(() => later.close())
    expect((await later.usage(id)).acceptedTotal).toBe(2)
  })

  it('is refused for a key without a rate', async () => {
    const { pass } = await start({ rateLimitEps: null }, { defaultRateLimitEps: null })
    const { settlement } = await pass(two)
    expect(settlement.refuse('handler_failed')).toMatchObject({ reason: 'handler_failed' })
  })

  it('is refused when its key has ended since, and passes otherwise', async () => {
    const { keys, id, pass, usage } = await start()
    const { settlement } = await pass(two)
    expect(await settlement.judgeAgain()).toBeUndefined()
    await keys.revoke(id)
    expect(await settlement.judgeAgain()).toMatchObject({ ok: false, reason: 'revoked_key' })
    settlement.accept()
    expect((await usage())[0]).toBe(0)
  })

  it('is given back when its key has been paused since', async () => {
    const { keys, id, pass, reasonOf } = await start({ rateLimitEps: 2 })
    const { settlement } = await pass(two)
    await keys.pause(id)
    expect(await settlement.judgeAgain()).toMatchObject({ reason: 'key_paused' })
    await keys.resume(id)
    expect(await reasonOf(2)).toBe('accepted')
  })
})
