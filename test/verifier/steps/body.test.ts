import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { createAddressFinder } from '../../../src/rules/client-address.ts'
import { createClientOf } from '../../../src/verifier/client.ts'
import type { CompiledKey } from '../../../src/verifier/compiled-key.ts'
import { credentialsOption } from '../../../src/verifier/credentials-option.ts'
import { createBodyStep } from '../../../src/verifier/steps/body.ts'
import { createVisit, markPaid } from '../../../src/verifier/visit.ts'
import { createManualClock } from '../../contract/limiter-contract.ts'
import { post, setUp, web } from '../../manual-keys.ts'

const usual = { credentials: credentialsOption(undefined, 'credentials'), batchFields: ['batch'] }
/** Long enough to wait for a turn. */
const long = gzipSync(`{"a":1}${' '.repeat(40_000)}`)

interface Sent {
  /** Whether its key is good, which is found before the body is read. */
  good?: boolean
  keyId?: string
  ip?: string
  body?: unknown
}

function start() {
  const clock = createManualClock()
  const client = createClientOf(createAddressFinder(undefined))
  const step = createBodyStep(
    {
      clock,
      maxBodyBytes: 100_000,
      maxPendingBodyBytes: 1_000_000,
      maxEvents: 10,
      isSpent: (source) => source === client.sourceOf(visitOf({ ip: '192.0.2.66' })),
    },
    client,
  )
  const visitOf = ({ good = false, keyId, ip = '192.0.2.1', body = long }: Sent) => {
    const headers = body === long ? { 'content-encoding': 'gzip' } : {}
    const visit = createVisit({ method: 'POST', path: '/v1/batch', headers, ip, body }, usual)
    visit.keyId = keyId
    if (good) visit.key = {} as CompiledKey
    return visit
  }
  const order: string[] = []
  /** Begins to read a body, whose name is noted when it is done. */
  const receive = async (name: string, sent: Sent) => {
    const visit = visitOf(sent)
    const received = await step.receive(visit)
    order.push(received.ok ? name : `${name}: ${received.reason}`)
    step.release(visit)
  }
  return { clock, order, receive, step, visitOf }
}

describe('bodies that are inflated', () => {
  it('wait for each other by the key and the sender', async () => {
    const { order, receive } = start()
    const first = { good: true, keyId: 'wk_1' }
    await Promise.all([
      receive('first', first),
      receive('second of one sender', { ...first, ip: '192.0.2.2' }),
      receive('third of the same', { ...first, ip: '192.0.2.2' }),
      receive('another sender', { ...first, ip: '192.0.2.3' }),
      receive('another key', { good: true, keyId: 'wk_2', ip: '192.0.2.4' }),
    ])
    expect(order).toEqual([
      'first',
      'second of one sender',
      'another key',
      'another sender',
      'third of the same',
    ])
  })

  it('count as those of one key while their keys are not known to be good', async () => {
    const { order, receive } = start()
    const names = ['wk_1', 'wk_2', 'wk_2', 'wk_3']
    await Promise.all(names.map((keyId, index) => receive(`${index}`, { keyId, ip: `192.0.2.${index}` })))
    expect(order).toEqual(['0', '1', '2', '3'])
    order.length = 0
    const keys = ['wk_1', 'wk_1', 'wk_1', 'wk_2']
    await Promise.all(keys.map((keyId, index) => receive(`${index}`, { keyId, ip: `192.0.2.${index}` })))
    expect(order).toEqual(['0', '1', '2', '3'])
  })

  it.each([
    ['of strangers keep none of a key waiting', undefined, 'wk_1'],
    ['of a key keep none of strangers waiting', 'wk_1', undefined],
  ])('%s', async (_, crowd, other) => {
    const { clock, order, receive } = start()
    const sent = [receive('first', { keyId: crowd }), receive('waits', { keyId: crowd })]
    sent.push(receive('another', { keyId: other }))
    clock.advance(5_001)
    await Promise.all(sent)
    expect(order.toSorted()).toEqual(['another', 'first', 'waits: busy'])
  })
})

describe('a body', () => {
  it('is read once', async () => {
    const { step, visitOf } = start()
    let reads = 0
    const visit = visitOf({
      body: () => {
        reads++
        return '{}'
      },
    })
    visit.received = await step.receive(visit)
    expect(await step.receive(visit)).toBe(visit.received)
    expect(reads).toBe(1)
  })

  it('is left unread ahead of its turn when its sender has sent too many wrong keys', async () => {
    const { step, visitOf } = start()
    const body = () => '{}'
    const early = (sent: Sent) => step.receiveEarly(visitOf(sent))
    expect(await early({ body, ip: '192.0.2.66' })).toEqual({
      ok: false,
      reason: 'too_many_failures',
      bodyLeft: true,
    })
    expect(await early({ body })).toMatchObject({ ok: true })
    expect(await early({ body: '{}', ip: '192.0.2.66' })).toMatchObject({ ok: true })
  })

  it('holds four objects and lists for each event that a batch may have', async () => {
    const { step, visitOf } = start()
    const reasonOf = async (count: number) => {
      const received = await step.receive(
        visitOf({
          body: `[${Array(count - 1)
            .fill('[]')
            .join(',')}]`,
        }),
      )
      return received.ok ? 'accepted' : received.reason
    }
    expect(await reasonOf(40)).toBe('accepted')
    expect(await reasonOf(400)).toBe('invalid_json')
  })

  it('is refused as too large without a look at it when another guard has found it so', () => {
    const { step, visitOf } = start()
    const { request } = visitOf({ body: '{}' })
    expect(step.receive(createVisit(markPaid(request, 100_001), usual))).toEqual({
      ok: false,
      reason: 'payload_too_large',
      bodyLeft: false,
    })
  })

  it('is read in the format of its route', async () => {
    const { step, visitOf } = start()
    const { request } = visitOf({ body: '{"a":1}' })
    const bodyForm = { shape: (value: unknown) => ({ shaped: value }) }
    const received = await step.receive(createVisit({ ...request, bodyForm }, usual))
    expect(received).toMatchObject({ ok: true, value: { shaped: { a: 1 } } })
  })

  it('gives back its room', async () => {
    const { step, visitOf } = start()
    const visit = visitOf({ body: async () => '{}' })
    await step.receive(visit)
    expect(visit.heldBytes).toBe(2)
    step.release(visit)
    expect(visit.heldBytes).toBe(0)
  })
})

it.each([
  ['accepted', 'as long as it may be', 1_000],
  ['payload_too_large', 'a byte longer', 1_001],
  ['accepted', 'of a length that nobody knows', undefined],
])('is %s when a guard of other keys has read a body that is %s', async (expected, _, bytes) => {
  const { keys } = setUp({ maxBodyBytes: 1_000 })
  const { key } = await keys.create(web)
  const verdict = await keys.verify(markPaid(post(key, { event: 'a' }), bytes))
  expect(verdict.ok ? 'accepted' : verdict.reason).toBe(expected)
  await keys.close()
})
