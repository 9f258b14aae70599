import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Registry } from 'prom-client'
import { expect, it, onTestFinished } from 'vitest'
import { parse, stringify } from 'yaml'
import { createWriteKeys } from '../../src/index.ts'
import { measureWithPrometheus } from '../../src/metrics/index.ts'
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

/** What each alert is about, minute by minute, in promtool's notation, and what it must not be raised by. */
const cases: Record<string, { bad: Record<string, string>; good: Record<string, string>; at: string }> = {
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
    bad: { 'writekey_requests_total{outcome="refused",reason="store_unavailable"}': '0+10x20' },
    good: { 'writekey_requests_total{outcome="refused",reason="unknown_key"}': '0+10x20' },
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
  WritekeyUnknownKeys: {
    bad: { writekey_unknown_key_budget_used_ratio: '1x20' },
    good: { writekey_unknown_key_budget_used_ratio: '0.5x20' },
    at: '10m',
  },
}

it('the alerts name metrics that are there', async () => {
  const registry = new Registry()
  const keys = createWriteKeys({ logger: false })
  onTestFinished(() => keys.close())
  measureWithPrometheus(keys, registry)
  const known = registry.getMetricsAsArray().map(({ name }) => name)
  const named = new Set(code.match(/\bwritekey_\w+/g))
  expect(named.size).toBeGreaterThan(5)
  for (const name of named) expect(known).toContain(name)
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

  it.each(Object.entries(cases))(
    '%s is raised by what it names, and by nothing less',
    async (alert, { bad, good, at }) => {
      const folder = useFolder()
      const withSeries = (series: Record<string, string>, isRaised: boolean) => ({
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
      const tests = {
        rule_files: ['rules.yml'],
        evaluation_interval: '1m',
        tests: [withSeries(bad, true), withSeries(good, false)],
      }
      writeFileSync(join(folder, 'tests.yml'), stringify(tests))
      const { stdout } = await run(promtool, ['test', 'rules', 'tests.yml'], { cwd: folder })
      expect(stdout).toContain('SUCCESS')
    },
  )
})
