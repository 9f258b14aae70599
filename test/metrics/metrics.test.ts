import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { AggregatorRegistry, Gauge, type OpenMetricsContentType, Registry } from 'prom-client'
import { afterEach, describe, expect, it } from 'vitest'
import {
  createMemoryStore,
  createWriteKeys,
  type KeyStore,
  type WriteKeys,
  type WriteKeysOptions,
} from '../../src/index.ts'
import {
  measureWithOpenTelemetry,
  measureWithPrometheus,
  openTelemetry,
  prometheus,
} from '../../src/metrics/index.ts'
import type { UsageStore } from '../../src/stores/usage-store.ts'
import { basic } from '../../src/testing/adapter/golden/golden-request.ts'

const opened: { close(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()))
})

function open(options: WriteKeysOptions = {}): WriteKeys {
  const keys = createWriteKeys({ logger: false, ...options })
  opened.push(keys)
  return keys
}

const post = (secret: string) => ({
  method: 'POST',
  path: '/v1/batch',
  headers: { authorization: basic(secret), 'content-type': 'application/json' },
  body: '{"batch":[{"type":"track","event":"a"},{"type":"page"}]}',
})

/** Two requests that are accepted, one without a key. */
async function send(keys: WriteKeys): Promise<void> {
  const { key } = await keys.create({ name: 'a', sourceType: 'other' })
  expect((await keys.verify(post(key))).ok).toBe(true)
  expect((await keys.verify(post(key))).ok).toBe(true)
  expect((await keys.verify({ ...post(key), headers: {} })).ok).toBe(false)
}

describe('prometheus', () => {
  it('shows requests by outcome and reason, events, bytes and look-ups in a scrape', async () => {
    const keys = open()
    const registry = new Registry()
    prometheus(keys, { registry })
    await send(keys)
    const lines = (await registry.metrics()).split('\n')
    for (const line of [
      '# TYPE writekey_requests_total counter',
      'writekey_requests_total{outcome="accepted"} 2',
      'writekey_requests_total{outcome="refused",reason="missing_key"} 1',
      'writekey_requests_total{outcome="refused",reason="unknown_key"} 0',
      'writekey_events_total{outcome="accepted"} 4',
      `writekey_body_size_bytes_total ${2 * post('').body.length}`,
      'writekey_cache_lookups_total{result="hit"} 1',
      'writekey_cache_lookups_total{result="miss"} 1',
      'writekey_part_ok{part="store"} 1',
      'writekey_unknown_key_budget_used_ratio 0',
      'writekey_verify_duration_seconds_bucket{le="+Inf",outcome="accepted"} 1',
      'writekey_verify_duration_seconds_count{outcome="accepted"} 1',
    ]) {
      expect(lines).toContain(line)
    }
  })

  it('gives OpenMetrics as well, scrape after scrape', async () => {
    const keys = open()
    const registry = new Registry<OpenMetricsContentType>()
    registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
    prometheus(keys, { registry })
    await send(keys)
    for (let scrape = 0; scrape < 2; scrape++) {
      expect((await registry.metrics()).split('\n')).toContain(
        'writekey_requests_total{outcome="accepted"} 2',
      )
    }
  })

  it('shows a store that is down, and how old the lease is', async () => {
    const inner = createMemoryStore()
    let isDown = false
    const store: KeyStore = {
      ...inner,
      scope: 'shared',
      poll(question) {
        if (isDown) throw new Error('no route to the database')
        return inner.poll(question)
      },
    }
    const keys = open({ store })
    const registry = new Registry()
    prometheus(keys, { registry })
    await keys.ready()
    expect(await registry.metrics()).toContain('writekey_part_ok{part="store"} 1')
    expect(await registry.metrics()).toMatch(/^writekey_lease_age_seconds \d/m)
    isDown = true
    await keys.ready().catch(() => {})
    expect(await registry.metrics()).toContain('writekey_part_ok{part="store"} 0')
  })

  it('shows what unknown keys use up of their budget', async () => {
    // Time stands still: what is used up comes back within milliseconds.
    const keys = open({ clock: { now: () => 1_800_000_000_000, monotonic: () => 0 } })
    const registry = new Registry()
    prometheus(keys, { registry })
    const { key } = await open().create({ name: 'elsewhere', sourceType: 'other' })
    const verdict = await keys.verify(post(key))
    expect(verdict).toMatchObject({ ok: false, reason: 'unknown_key' })
    const used = /^writekey_unknown_key_budget_used_ratio (\S+)$/m.exec(await registry.metrics())?.[1]
    expect(Number(used)).toBeCloseTo(0.01)
  })

  it('shows by how much the clock differs from the one of the store', async () => {
    const inner = createMemoryStore()
    const store: KeyStore = {
      ...inner,
      usage: { ...(inner.usage as UsageStore), now: async () => Date.now() },
    }
    const keys = open({ store, clock: () => Date.now() - 3_600_000 })
    const registry = new Registry()
    prometheus(keys, { registry })
    const error = async () =>
      Number(/^writekey_clock_error_seconds (\S+)$/m.exec(await registry.metrics())?.[1])
    expect(await error()).toBe(0)
    await send(keys)
    await keys.flush()
    const seen = await error()
    expect(seen).toBeGreaterThan(3_590)
    expect(seen).toBeLessThan(3_610)
  })

  it('tells refusals for want of budget from those of a store that is away', async () => {
    let passedMs = 0
    const clock = { now: () => 1_800_000_000_000 + passedMs, monotonic: () => passedMs }
    const inner = createMemoryStore()
    let isDown = false
    const store: KeyStore = {
      ...inner,
      scope: 'shared',
      async poll(question) {
        if (isDown) throw new Error('no route to the database')
        return inner.poll(question)
      },
    }
    const keys = open({ clock, store })
    const registry = new Registry()
    prometheus(keys, { registry })
    await keys.ready()
    const refusals = async () => {
      const text = await registry.metrics()
      const read = (series: string) =>
        Number(
          text
            .split('\n')
            .find((line) => line.startsWith(series))
            ?.split(' ')[1],
        )
      return {
        unavailable: read('writekey_requests_total{outcome="refused",reason="store_unavailable"}'),
        forBudget: read('writekey_cache_lookups_total{result="refused"}'),
      }
    }
    const elsewhere = open()
    const sendStrange = async (from: number) => {
      const { key } = await elsewhere.create({ name: 'elsewhere', sourceType: 'other' })
      return keys.verify({ ...post(key), ip: `10.0.${from >> 8}.${from & 255}` })
    }
    for (let from = 0; from < 150; from++) await sendStrange(from)
    const flooded = await refusals()
    expect(flooded.forBudget).toBeGreaterThan(0)
    expect(flooded.unavailable).toBe(flooded.forBudget)
    // The budget is whole again, and the lease has ended.
    passedMs = 60_000
    isDown = true
    const away = await sendStrange(200)
    expect(away).toMatchObject({ ok: false, reason: 'store_unavailable' })
    expect(await refusals()).toEqual({ unavailable: flooded.unavailable + 1, forBudget: flooded.forBudget })
  })

  it('says of several processes added up that a part fails where it does in any', async () => {
    const registries = await Promise.all(
      [createMemoryStore(), { ...createMemoryStore(), scope: 'shared' as const }].map(async (store) => {
        const registry = new Registry()
        prometheus(open({ store }), { registry })
        return registry.getMetricsAsJSON()
      }),
    )
    const text = await AggregatorRegistry.aggregate(registries).metrics()
    expect(text).toContain('writekey_part_ok{part="store"} 0')
    expect(text).toContain('writekey_part_ok{part="limiter"} 1')
  })

  it('takes its metrics out again, and refuses what are no write keys', async () => {
    const registry = new Registry()
    prometheus(open(), { registry })()
    expect((await registry.metrics()).trim()).toBe('')
    expect(() => prometheus({}, { registry })).toThrow('createWriteKeys()')
  })

  it('registers all of its metrics or none', async () => {
    const keys = open()
    const all = new Registry()
    prometheus(keys, { registry: all })
    const names = all.getMetricsAsArray().map(({ name }) => name)
    for (const taken of [names[0], names.at(-1)] as string[]) {
      const registry = new Registry()
      const own = new Gauge({ name: taken, help: 'of the app', registers: [registry] })
      expect(() => prometheus(keys, { registry })).toThrow(taken)
      expect(registry.getMetricsAsArray()).toEqual([own])
      registry.removeSingleMetric(taken)
      prometheus(keys, { registry })
      expect(() => prometheus(keys, { registry })).toThrow(names[0])
      expect(registry.getMetricsAsArray()).toHaveLength(names.length)
    }
  })

  it('tells keys apart by their id where that is asked for, and a thousand of them at most', async () => {
    const keys = open()
    const registry = new Registry()
    prometheus(keys, { registry, keyId: true })
    await send(keys)
    const [{ id } = { id: '' }] = (await keys.list()).data
    const { key, writeKey } = await keys.create({ name: 'b', sourceType: 'other' })
    await keys.revoke(writeKey.id)
    await keys.verify(post(key))
    const linesOf = async (name: string) =>
      (await registry.metrics()).split('\n').filter((line) => line.startsWith(`${name}{`))
    expect(await linesOf('writekey_requests_total')).toEqual([
      `writekey_requests_total{outcome="accepted",key_id="${id}"} 2`,
      'writekey_requests_total{outcome="refused",reason="missing_key",key_id=""} 1',
      `writekey_requests_total{outcome="accepted",key_id="${writeKey.id}"} 0`,
      `writekey_requests_total{outcome="refused",reason="revoked_key",key_id="${writeKey.id}"} 1`,
    ])
    expect(await linesOf('writekey_events_total')).toEqual([
      `writekey_events_total{outcome="accepted",key_id="${id}"} 4`,
      `writekey_events_total{outcome="accepted",key_id="${writeKey.id}"} 0`,
    ])
    for (let made = 0; made < 1_010; made++) {
      const one = await keys.create({ name: `${made}`, sourceType: 'other' })
      await keys.verify(post(one.key))
    }
    const accepted = (await linesOf('writekey_requests_total')).filter((line) => line.includes('accepted'))
    expect(accepted).toHaveLength(1_001)
    expect(accepted.at(-1)).toBe('writekey_requests_total{outcome="accepted",key_id="other"} 12')
  })
})

describe('openTelemetry', () => {
  it('exports the same numbers, the time as a histogram', async () => {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
    const provider = new MeterProvider({ readers: [reader] })
    const keys = open()
    openTelemetry(keys, { meter: provider.getMeter('writekey') })
    await send(keys)
    await reader.forceFlush()
    const exported = exporter.getMetrics().at(-1)?.scopeMetrics[0]?.metrics ?? []
    const pointsOf = (name: string) =>
      exported
        .find(({ descriptor }) => descriptor.name === name)
        ?.dataPoints.map(({ attributes, value }) => [attributes, value])
    expect(pointsOf('writekey.requests')).toContainEqual([{ outcome: 'accepted' }, 2])
    expect(pointsOf('writekey.requests')).toContainEqual([{ outcome: 'refused', reason: 'missing_key' }, 1])
    expect(pointsOf('writekey.events')).toContainEqual([{ outcome: 'accepted' }, 4])
    expect(pointsOf('writekey.part.ok')).toContainEqual([{ part: 'limiter' }, 1])
    expect(pointsOf('writekey.verify.duration')).toEqual([
      [{ outcome: 'accepted' }, expect.objectContaining({ count: 1 })],
    ])
    await provider.shutdown()
  })

  it('names the meter that it was not given', () => {
    const measureWith = (meter?: unknown) => () => openTelemetry(open(), { meter } as never)
    expect(measureWith()).toThrow('meter must be a Meter of OpenTelemetry')
    expect(measureWith(new MeterProvider())).toThrow('metrics.getMeter()')
  })

  it('has the older spellings', () => {
    const registry = new Registry()
    measureWithPrometheus(open(), registry)
    expect(registry.getSingleMetric('writekey_requests_total')).toBeDefined()
    expect(() => measureWithOpenTelemetry(open(), undefined as never)).toThrow('meter must be')
  })
})
