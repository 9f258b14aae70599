import { createHash, hash } from 'node:crypto'
import { Registry } from 'prom-client'
import { createMemoryStore, createWriteKeys, type IngestRequest, type WriteKeys } from '../src/index.ts'
import { prometheus } from '../src/metrics/index.ts'
import { fairShares } from './fair-shares.ts'
import { memoryPerKey } from './key-memory.ts'
import { sized } from './length.ts'
import { type Repeat, ratioOf, spreadOf, timeInTurn } from './measurement.ts'
import { assertSame, report } from './report.ts'
import { basicCredential, ruledKey, sampleRequest, senders, trackEvent } from './sample.ts'
import { againstApiKeyLibrary } from './verify-peer.ts'

const keys = createWriteKeys({ store: createMemoryStore() })
const { key } = await keys.create(ruledKey)
const request = sampleRequest(key)
const requests = await senders(keys, sized({ full: 1_000, short: 1_000, smoke: 10 }))

function verifying(subject: WriteKeys, ...requests: IngestRequest[]): Repeat {
  return async (count) => {
    for (let index = 0; index < count; index++)
      await subject.verify(requests[index % requests.length] as IngestRequest)
  }
}

/** The least that any check of Basic credentials against stored hashes does, for the same senders in the same order. */
function floorWith(digest: (secret: string) => string): Repeat {
  const credentials = requests.map(({ headers }) => headers.authorization as string)
  const secretIn = (credential: string) =>
    Buffer.from(credential.slice(6), 'base64').toString('latin1').slice(0, -1)
  const known = new Map(credentials.map((credential, index) => [digest(secretIn(credential)), `wk_${index}`]))
  const find = (index: number) =>
    known.get(digest(secretIn(credentials[index % credentials.length] as string)))
  assertSame('the floor finds a key', find(1), 'wk_1')
  let found = 0
  return (count) => {
    for (let index = 0; index < count; index++) if (find(index) !== undefined) found++
    return found
  }
}

for (const one of requests) assertSame('a sender is accepted', (await keys.verify(one)).ok, true)
const verdict = await keys.verify(request)
assertSame('a good request is accepted', verdict.ok, true)
const refused = await keys.verify({
  ...request,
  headers: { ...request.headers, authorization: 'Basic eDo=' },
})
assertSame('a malformed key is refused', refused.ok ? '' : refused.reason, 'malformed_key')

await againstFloor()
await againstApiKeyLibrary(keys, request)
await refusals()
await numberOfKeys()
await numberOfRules()
await batchSize()
await usageCounting()
await measuring()
await fairShares()
await memoryPerKey()
await keys.close()

async function againstFloor(): Promise<void> {
  const times = await timeInTurn(
    {
      verify: verifying(keys, ...requests),
      hash: floorWith((secret) => hash('sha256', secret, 'binary')),
      createHash: floorWith((secret) => createHash('sha256').update(secret).digest('hex')),
    },
    61,
  )
  const note = `${nanoseconds(times.verify)} against`
  report({
    name: 'verify, every rule, 1,000 senders / floor with crypto.hash',
    value: ratioOf(times.verify, times.hash),
    goal: { atMost: 2.2 },
    note: `${note} ${nanoseconds(times.hash)}`,
  })
  report({
    name: 'verify, every rule, 1,000 senders / floor with createHash',
    value: ratioOf(times.verify, times.createHash),
    note: `${note} ${nanoseconds(times.createHash)}`,
  })
}

/** The same key and request, with and without a store that keeps usage. */
async function usageCounting(): Promise<void> {
  const { usage: _, ...uncounted } = createMemoryStore()
  const without = createWriteKeys({ store: uncounted })
  const plain = sampleRequest((await without.create(ruledKey)).key)
  assertSame('a request that is not counted is accepted', (await without.verify(plain)).ok, true)
  const times = await timeInTurn({ counted: verifying(keys, request), plain: verifying(without, plain) }, 61)
  report({
    name: 'verify with usage counted / not counted',
    value: ratioOf(times.counted, times.plain),
    goal: { atMost: 1.03 },
    note: `${nanoseconds(times.counted)} against ${nanoseconds(times.plain)}`,
  })
  await without.close()
}

/** The same key and request, measured for Prometheus and not. */
async function measuring(): Promise<void> {
  const measured = createWriteKeys({ store: createMemoryStore() })
  prometheus(measured, { registry: new Registry() })
  const same = sampleRequest((await measured.create(ruledKey)).key)
  assertSame('a request that is measured is accepted', (await measured.verify(same)).ok, true)
  const times = await timeInTurn({ measured: verifying(measured, same), plain: verifying(keys, request) }, 61)
  report({
    name: 'verify with metrics / without',
    value: ratioOf(times.measured, times.plain),
    goal: { atMost: 1.02 },
    note: `${nanoseconds(times.measured)} against ${nanoseconds(times.plain)}`,
  })
  await measured.close()
}

async function refusals(): Promise<void> {
  const wellFormed = (await createWriteKeys({ store: createMemoryStore() }).create(ruledKey)).key
  const withKey = (secret: string): IngestRequest => ({
    ...request,
    headers: { ...request.headers, authorization: basicCredential(secret) },
  })
  const times = await timeInTurn({
    accept: verifying(keys, request),
    malformed: verifying(keys, withKey(`${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`)),
    unknown: verifying(keys, withKey(wellFormed)),
  })
  report({
    name: 'refusing a malformed key / accepting a good one',
    value: ratioOf(times.malformed, times.accept),
    goal: { atMost: 0.5 },
    note: nanoseconds(times.malformed),
  })
  report({
    name: 'refusing an unknown key / accepting a good one',
    value: ratioOf(times.unknown, times.accept),
    note: nanoseconds(times.unknown),
  })
}

async function numberOfKeys(): Promise<void> {
  const counts = { few: 10, thousand: 1_000, all: sized({ full: 1_000_000, short: 1_000_000, smoke: 2_000 }) }
  const subjects = {} as Record<keyof typeof counts, Repeat>
  const all: WriteKeys[] = []
  for (const [name, count] of Object.entries(counts)) {
    const many = createWriteKeys({ store: filledStore(count), cache: { maxKeys: 20_000 } })
    all.push(many)
    const working: IngestRequest[] = []
    for (let index = 0; index < 10; index++) working.push(sampleRequest((await many.create(ruledKey)).key))
    for (const one of working) assertSame('a key among many is accepted', (await many.verify(one)).ok, true)
    subjects[name as keyof typeof counts] = verifying(many, ...working)
  }
  const times = await timeInTurn(subjects, 31)
  for (const name of ['thousand', 'all'] as const) {
    report({
      name: `verify with ${counts[name].toLocaleString('en-US')} keys stored / with ${counts.few}`,
      value: ratioOf(times[name], times.few),
      goal: { atMost: 1.1 },
      note: nanoseconds(times[name]),
    })
  }
  for (const many of all) await many.close()
}

/** A memory store that also holds `count` keys which nobody presents. */
function filledStore(count: number) {
  const store = createMemoryStore()
  const audit = { at: 0, action: 'create', actor: null, address: null, before: null, after: null } as const
  for (let index = 0; index < count; index++) {
    const id = `wk_${String(index).padStart(16, '0')}`
    const secrets = [
      {
        id: `ws_${index}`,
        keyHash: String(index),
        start: '',
        createdAt: 0,
        expiresAt: null,
        lastUsedAt: null,
      },
    ]
    store.insert({ id, secrets } as never, { ...audit, id: `aud_${index}`, keyId: id } as never)
  }
  return store
}

async function numberOfRules(): Promise<void> {
  const numbers = Array.from({ length: 999 }, (_, index) => index)
  const withRules = async (origins: number, ips: number): Promise<Repeat> => {
    const { key: secret } = await keys.create({
      name: 'Rules',
      sourceType: 'web',
      allowedOrigins: [
        'https://app.example.com',
        ...numbers.slice(0, origins - 1).map((n) => `https://*.s${n}.example.com`),
      ],
      allowedIps: [
        '203.0.113.0/24',
        ...numbers.slice(0, ips - 1).map((n) => `10.${n >> 6}.${(n & 63) * 4}.0/24`),
      ],
    })
    const asked = sampleRequest(secret)
    assertSame('a key with many rules accepts', (await keys.verify(asked)).ok, true)
    return verifying(keys, asked)
  }
  const times = await timeInTurn(
    { one: await withRules(1, 1), origins: await withRules(1_000, 1), ips: await withRules(1, 1_000) },
    31,
  )
  report({
    name: 'verify with 1,000 origins / with 1',
    value: ratioOf(times.origins, times.one),
    goal: { atMost: 1.5 },
    note: nanoseconds(times.origins),
  })
  report({
    name: 'verify with 1,000 address ranges / with 1',
    value: ratioOf(times.ips, times.one),
    goal: { atMost: 1.5 },
    note: nanoseconds(times.ips),
  })
}

async function batchSize(): Promise<void> {
  const batchOf = (size: number) => sampleRequest(key, { batch: Array.from({ length: size }, trackEvent) })
  for (const size of [1, 100, 1_000, 2_500]) {
    const answer = await keys.verify(batchOf(size))
    assertSame(`a batch of ${size} is accepted`, answer.ok && answer.events.length, size)
  }
  const times = await timeInTurn(
    {
      of1: verifying(keys, batchOf(1)),
      of100: verifying(keys, batchOf(100)),
      of1000: verifying(keys, batchOf(1_000)),
      of2500: verifying(keys, batchOf(2_500)),
    },
    31,
  )
  for (const size of [100, 1_000, 2_500] as const) {
    const slope = times[`of${size}`].map((time, round) => (time - (times.of1[round] as number)) / (size - 1))
    report({
      name: `each further event of a batch of ${size.toLocaleString('en-US')}`,
      value: spreadOf(slope),
      unit: 'ns',
      goal: { atMost: 100 },
    })
  }
}

function nanoseconds(times: readonly number[]): string {
  return `${Math.round(spreadOf(times).median).toLocaleString('en-US')} ns`
}
