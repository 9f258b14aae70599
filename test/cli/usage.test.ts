import { expect, it } from 'vitest'
import { createSqlStore } from '../../src/stores/sql/index.ts'
import { toBucketStart } from '../../src/stores/usage-store.ts'
import { openShell } from './shell.ts'

it('shows which workspace is refused most, and why, and the same by key', async () => {
  const { run, runJson, store: url } = openShell()
  const make = (name: string, workspace: string) =>
    runJson(['create', '--name', name, '--source-type', 'web', '--workspace', workspace])
  const [quiet, loud] = [await make('Quiet', 'acme'), await make('Loud', 'globex')]
  expect((await run(['usage'])).err).toContain('There was no event and no refusal.')
  const store = createSqlStore({ url })
  const bucketAt = toBucketStart(Date.now())
  const count = (keyId: string, kind: 'accepted' | 'refused', name: string, count: number) => ({
    keyId,
    bucketAt,
    kind,
    name,
    count,
  })
  await store.usage?.add({
    writer: 'a'.repeat(16),
    number: 1,
    madeAt: Date.now(),
    counts: [
      count(quiet.id, 'accepted', 'track', 90),
      count(loud.id, 'accepted', 'track', 30),
      count(loud.id, 'refused', 'rate_limited', 2),
      count(loud.id, 'refused', 'origin_not_allowed', 8),
    ],
    lastEventAt: new Map(),
    lastUsedAt: new Map(),
  })
  await store.close()

  const { out, code } = await run(['usage', '--group-by', 'workspace'])
  expect(code).toBe(0)
  expect(
    out
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/ {2,}/)),
  ).toEqual([
    ['All keys: 120 events accepted, 10 requests refused'],
    ['WORKSPACE', 'ACCEPTED', 'REFUSED', 'REFUSED SHARE', 'MOSTLY FOR'],
    ['globex', '30', '10', '25.0 %', 'origin_not_allowed'],
    ['acme', '90', '0', '0.0 %', '-'],
    [''],
  ])
  const csv = (await run(['usage', '--group-by', 'key', '--csv'])).out.trim().split('\r\n')
  expect(csv).toEqual([
    'key,name,accepted,refused,success_rate,most_refused_for',
    `${loud.id},Loud,30,10,0.75,origin_not_allowed`,
    `${quiet.id},Quiet,90,0,1,`,
  ])
  expect((await runJson(['usage'])).data).toMatchObject([{ group: 'web', accepted: 120 }])
  const both = await run(['usage', quiet.id, '--group-by', 'key'])
  expect([both.code, both.err]).toEqual([2, expect.stringContaining('leave out the id')])
  expect((await run(['usage', '--group-by', 'plan'])).code).toBe(2)
  expect((await run(['audit'])).out).toMatch(/create +wk_\w+ +Loud/)
})
