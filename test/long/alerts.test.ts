import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Registry } from 'prom-client'
import { expect, it, onTestFinished } from 'vitest'
import { parse, stringify } from 'yaml'
import { createWriteKeys } from '../../src/index.ts'
import { prometheus } from '../../src/metrics/index.ts'
import { blockWith } from '../docs/running-blocks.ts'
import { describeWithService } from '../services.ts'

const run = promisify(execFile)
const { code } = blockWith('docs/recipes/alerts.md', 'yaml', 'groups:')
const rules = (parse(code) as { groups: { rules: { alert: string; expr: string }[] }[] }).groups.flatMap(
  (group) => group.rules,
)

/** Whether a part is well, minute by minute. */
function ofPart(part: string, bad: string, good: string, at: string) {
  const series = `writekey_part_ok{instance="a",part="${part}"}`
  return { bad: { [series]: bad }, good: { [series]: good }, at }
}

const requests = (reason: string, values: string) => ({
  [`writekey_requests_total{outcome="refused",reason="${reason}"}`]: values,
})
const lookupsRefused = (values: string) => ({ 'writekey_cache_lookups_total{result="refused"}': values })

/** What each alert is about, minute by minute, in promtool's notation, and what it must not be raised by. */
const cases: Record<string, { bad: Record<string, string>; good: Record<string, string>; at: string }> = {
  WritekeyProcessDown: {
    // One that is up for a minute and then ends again, all the time.
    bad: { 'up{job="writekey",instance="a"}': '1 0 0 1 0 0 1 0 0 1 0 0 1 0 0 1 0 0' },
    good: { 'up{job="writekey",instance="a"}': '1 1 1 1 1 0 1x20', 'up{job="other",instance="b"}': '0x20' },
    at: '10m',
  },
  WritekeyAbsent: {
    bad: {
      'writekey_part_ok{instance="a",part="store"}': '1 1 stale',
      'up{job="writekey",instance="a"}': '1 1 0x20',
    },
    good: { 'writekey_part_ok{instance="a",part="store"}': '0x20' },
    at: '10m',
  },
  WritekeyWorkersMissing: {
    bad: { writekey_workers_missing: '0 0 1x20' },
    good: { writekey_workers_missing: '0 1 0 1 0 0 1 0 0x20' },
    at: '10m',
  },
  WritekeyStoreDown: ofPart('store', '1 1 0x20', '1 1 0 1x20', '10m'),
  WritekeyLeaseEnding: {
    bad: {
      'writekey_lease_age_seconds{instance="a"}': '1.9x20',
      'writekey_lease_duration_seconds{instance="a"}': '2x20',
    },
    good: {
      'writekey_lease_age_seconds{instance="a"}': '0.6x20',
      'writekey_lease_duration_seconds{instance="a"}': '2x20',
    },
    at: '10m',
  },
  WritekeyUnavailable: {
    bad: requests('handler_failed', '0+10x20'),
    good: { ...requests('unknown_key', '0+10x20'), ...requests('store_unavailable', '0+10x20') },
    at: '15m',
  },
  WritekeyStoreUnavailable: {
    bad: { ...requests('store_unavailable', '0+100x20'), ...lookupsRefused('0+20x20') },
    // A flood of unknown keys: each of its 503 is one look-up that was spared.
    good: { ...requests('store_unavailable', '0+100x20'), ...lookupsRefused('0+99x20') },
    at: '15m',
  },
  WritekeyLimiterDegraded: ofPart('limiter', '0x20', '1 0 0 1x20', '10m'),
  WritekeyHintsLost: ofPart('hints', '0x40', '0x10 1x20', '20m'),
  WritekeyRefusals: {
    bad: {
      'writekey_requests_total{outcome="refused",reason="origin_not_allowed"}': '0+20x40',
      'writekey_requests_total{outcome="accepted",reason=""}': '0+80x40',
    },
    good: {
      'writekey_requests_total{outcome="refused",reason="store_unavailable"}': '0+90x40',
      'writekey_requests_total{outcome="refused",reason="origin_not_allowed"}': '0+5x40',
      'writekey_requests_total{outcome="accepted",reason=""}': '0+95x40',
    },
    at: '30m',
  },
  WritekeyUsageBacklog: ofPart('usage', '0x20', '1x20', '15m'),
  WritekeyUsageDropped: {
    bad: { 'writekey_usage_dropped_total{kind="events"}': '0 0 5x20' },
    good: { 'writekey_usage_dropped_total{kind="events"}': '5x20' },
    at: '10m',
  },
  WritekeyClockWrong: {
    bad: { 'writekey_clock_error_seconds{instance="a"}': '3600x20' },
    good: { 'writekey_clock_error_seconds{instance="a"}': '0 40 0x20' },
    at: '10m',
  },
  WritekeyUnknownKeys: {
    bad: lookupsRefused('0+50x20'),
    good: { ...lookupsRefused('0x20'), ...requests('too_many_failures', '0+6x20') },
    at: '10m',
  },
}
/** Others that one of them has to be raised by. */
const alsoBad: [alert: string, series: Record<string, string>, at: string][] = [
  ['WritekeyProcessDown', { 'up{job="writekey",instance="a"}': '1 1 0x20' }, '10m'],
  ['WritekeyAbsent', {}, '10m'],
  [
    'WritekeyStoreUnavailable',
    { ...requests('store_unavailable', '0+1x20'), ...lookupsRefused('0x20') },
    '15m',
  ],
  ['WritekeyUnknownKeys', requests('too_many_failures', '0+600x20'), '10m'],
]
/** Of a job that runs under `node:cluster`, by docs/recipes/supervisors.md. */
const ofCluster = 'writekey_workers_missing'

it('the alerts name metrics that are there', async () => {
  const registry = new Registry()
  const keys = createWriteKeys({ logger: false })
  onTestFinished(() => keys.close())
  prometheus(keys, { registry })
  const known = registry.getMetricsAsArray().map(({ name }) => name)
  const named = new Set(code.match(/\bwritekey_\w+/g))
  expect(named.size).toBeGreaterThan(5)
  for (const name of named) expect([...known, ofCluster]).toContain(name)
})

it('each alert has a case', () => {
  expect(rules.map(({ alert }) => alert)).toEqual(Object.keys(cases))
})

describeWithService('promtool', 'the alerts', (promtool) => {
  function useFolder() {
    const folder = mkdtempSync(join(tmpdir(), 'writekey-alerts-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    writeFileSync(join(folder, 'rules.yml'), code)
    return folder
  }

  it('are rules that Prometheus takes', async () => {
    const { stdout } = await run(promtool, ['check', 'rules', join(useFolder(), 'rules.yml')])
    expect(stdout).toContain(`${rules.length} rules found`)
  })

  it('come with settings that Prometheus takes', async () => {
    const folder = useFolder()
    const settings = blockWith('docs/recipes/alerts.md', 'yaml', 'scrape_configs').code
    writeFileSync(join(folder, 'prometheus.yml'), settings)
    writeFileSync(join(folder, 'writekey.yml'), code)
    const { stdout } = await run(promtool, ['check', 'config', join(folder, 'prometheus.yml')])
    expect(stdout).toContain(`${rules.length} rules found`)
  })

  const withSeries = (alert: string, series: Record<string, string>, at: string, isRaised: boolean) => ({
    interval: '1m',
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
    promql_expr_test: [
      {
        expr: `count(ALERTS{alertname="${alert}",alertstate="firing"}) or vector(0)`,
        eval_time: at,
        exp_samples: [{ labels: '{}', value: isRaised ? 1 : 0 }],
      },
    ],
  })

  async function succeed(...tests: object[]): Promise<void> {
    const folder = useFolder()
    const file = { rule_files: ['rules.yml'], evaluation_interval: '1m', tests }
    writeFileSync(join(folder, 'tests.yml'), stringify(file))
    const { stdout } = await run(promtool, ['test', 'rules', 'tests.yml'], { cwd: folder })
    expect(stdout).toContain('SUCCESS')
  }

  it.each(Object.entries(cases))(
    '%s is raised by what it names, and by nothing less',
    (alert, { bad, good, at }) =>
      succeed(withSeries(alert, bad, at, true), withSeries(alert, good, at, false)),
  )

  it.each(alsoBad)('%s is raised as well by %o', (alert, series, at) =>
    succeed(withSeries(alert, series, at, true)),
  )
})
