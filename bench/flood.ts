import { createMemoryLimiter, createMemoryStore, createWriteKeys } from '../src/index.ts'
import { usedBytes } from './measurement.ts'
import { assertSame, report } from './report.ts'
import { ruledKey, sampleRequest } from './sample.ts'

await wrongKeys()
await memoryPerSender()

/** Fifty wrong keys for each good one: good keys have to stay cached, and malformed ones must not reach the store. */
async function wrongKeys(): Promise<void> {
  const store = createMemoryStore()
  let reads = 0
  const poll = store.poll
  store.poll = (question) => {
    reads++
    return poll(question)
  }
  const keys = createWriteKeys({ store, cache: { maxKeys: 2_000 } })
  const good: string[] = []
  for (let index = 0; index < 1_000; index++) good.push((await keys.create(ruledKey)).key)
  for (const key of good) await keys.verify(sampleRequest(key))
  assertSame('each key was read once', reads, good.length)

  const strangers = createWriteKeys()
  const wellFormed: string[] = []
  for (let index = 0; index < 5_000; index++) wellFormed.push((await strangers.create(ruledKey)).key)

  let malformedReads = 0
  let goodReads = 0
  for (let round = 0; round < 1_000; round++) {
    const before = reads
    for (let index = 0; index < 45; index++) {
      const verdict = await keys.verify(
        sampleRequest(`sk_live_${'x'.repeat(32)}${String(index).padStart(6, '0')}`),
      )
      if (verdict.ok) throw new Error('a malformed key was accepted')
    }
    malformedReads += reads - before
    for (let index = 0; index < 5; index++) {
      const verdict = await keys.verify(sampleRequest(wellFormed[round * 5 + index] as string))
      if (verdict.ok) throw new Error('an unknown key was accepted')
    }
    const beforeGood = reads
    const verdict = await keys.verify(sampleRequest(good[round % good.length] as string))
    assertSame('a good key is accepted in a flood', verdict.ok, true)
    goodReads += reads - beforeGood
  }
  report({
    name: 'good keys found in the cache, 50 wrong ones for each',
    value: 100 * (1 - goodReads / 1_000),
    unit: '%',
    goal: { atLeast: 97 },
  })
  report({
    name: 'store reads caused by 45,000 malformed keys',
    value: malformedReads,
    unit: '',
    goal: { atMost: 0 },
  })
  report({
    name: 'store reads caused by 5,000 unknown keys',
    value: reads - good.length - goodReads,
    unit: '',
    note: 'the rest is refused by the budget for failures',
  })
  await keys.close()
  await strangers.close()
}

async function memoryPerSender(): Promise<void> {
  const count = 100_000
  const limiter = createMemoryLimiter({ maxKeys: count })
  // Ids exist anyway, in the cache: the limiter refers to them.
  const ids = Array.from({ length: count }, (_, index) => `wk_${String(index).padStart(16, '0')}`)
  const rate = { eps: 0.001, burst: 10 }
  const before = await usedBytes()
  for (const id of ids) limiter.consume(id, 1, rate)
  const bytes = (await usedBytes()) - before
  assertSame('every sender owes something', limiter.consume(ids[0] as string, 9, rate).allowed, true)
  report({
    name: 'memory per active sender in the limiter',
    value: bytes / ids.length,
    unit: 'B',
    goal: { atMost: 150 },
  })
}
