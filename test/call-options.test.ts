import { describe, expect, it } from 'vitest'
import { createMemoryStore, createWriteKeys, type KeyError, type WriteKeys } from '../src/index.ts'
import { createSqlStore } from '../src/stores/sql/index.ts'

const store = createMemoryStore()
const keys = createWriteKeys({ store, logger: false })
const made = await keys.create({ name: 'Shop', sourceType: 'server', workspace: 'acme' })
const { id } = made.writeKey
await keys.update(id, { trial: { rateLimitEps: 5 } })
const secretId = made.writeKey.secrets[0]?.id as string
const input = { name: 'Shop', sourceType: 'server' } as const

/** Each call with what comes before its options, and a misspelt option with what it means. */
const calls: Record<string, [before: unknown[], misspelt: Record<string, unknown>, meant: string]> = {
  create: [[input], { ide: 'wk_0123456789abcdef' }, 'id'],
  import: [[[{ ...input, keyHash: 'a'.repeat(64) }]], { dry_run: true }, 'dryRun'],
  find: [[made.key], { workspac: 'other' }, 'workspace'],
  check: [[made.key], { workspac: 'other' }, 'workspace'],
  list: [[], { workspac: 'other' }, ''],
  update: [[id, { name: 'Till' }], { versio: 1 }, 'version'],
  enforceTrial: [[id], { Version: 1 }, 'version'],
  dropTrial: [[id], { Version: 1 }, 'version'],
  rotate: [[id], { grace_period_hours: 0 }, 'gracePeriodHours'],
  endGrace: [[id, secretId], { verison: 1 }, 'version'],
  pause: [[id], { verison: 1 }, 'version'],
  resume: [[id], { verison: 1 }, 'version'],
  revoke: [[id], { verison: 1 }, 'version'],
  remove: [[id], { verison: 1 }, 'version'],
  usage: [[id], { windows: '7d' }, 'window'],
  usageOverview: [[], { group_by: 'key' }, 'groupBy'],
  audit: [[], { workspac: 'other' }, ''],
  noteRefused: [[], { key_id: id, details: {} }, 'keyId'],
  'activity.decisions.list': [[], { key_id: id }, 'keyId'],
  'activity.listAnomalies': [[], { key_ids: [id] }, 'keyIds'],
  'activity.listProblems': [[], { key_ids: [id] }, 'keyIds'],
}

/** They take none. The last four may be handed to what passes something of its own, such as `process.on`. */
const withoutOptions = ['get', 'plan', 'room', 'volumes', 'ready', 'health', 'flush', 'close']
/** A request is no options: whatever it has, these never throw. */
const ofRequests = ['preflight', 'verify']

async function call(name: string, given: unknown[]): Promise<unknown> {
  const path = name.split('.')
  let owner: unknown = keys
  for (const part of path.slice(0, -1)) owner = (owner as Record<string, unknown>)[part]
  const method = (owner as Record<string, (...given: unknown[]) => unknown>)[path.at(-1) as string]
  return method?.(...given)
}

/** What the calls could have changed. */
const stateOf = async () => JSON.stringify([await keys.list(), await keys.audit()])

function methodsOf(owner: object, prefix = ''): string[] {
  return Object.entries(owner).flatMap(([name, value]) => {
    if (typeof value === 'function') return [prefix + name]
    return typeof value === 'object' ? methodsOf(value, `${prefix}${name}.`) : []
  })
}

describe('options of calls', () => {
  it('are refused when they are misspelt by every call that has any', () => {
    const others = [...withoutOptions, ...ofRequests]
    const ofActivity = ['decisions.latestId', 'decisions.subscribe', 'refresh', 'anomalies', 'record', 'told']
    const ends = ['forget', 'close'].map((name) => `activity.${name}`)
    expect(methodsOf(keys).sort()).toEqual(
      [...Object.keys(calls), ...others, ...ofActivity.map((name) => `activity.${name}`), ...ends].sort(),
    )
  })

  it.each(Object.entries(calls))('%s refuses a misspelt one, and does nothing', async (name, given) => {
    const [before, misspelt, meant] = given
    const wrong = Object.keys(misspelt)[0] as string
    const state = await stateOf()
    const error = (await call(name, [...before, misspelt]).catch((thrown: unknown) => thrown)) as KeyError
    expect(error).toMatchObject({ name: 'KeyError', code: 'invalid_field', field: wrong })
    const owner = name.replace('activity.', '')
    const expected =
      meant === ''
        ? `${wrong} is not a filter`
        : `${wrong} is not an option of ${owner}; did you mean ${meant}?`
    expect(error.message).toContain(expected)
    expect(await stateOf()).toBe(state)
  })

  it.each(Object.entries(calls))('%s refuses what is no object', async (name, [before]) => {
    const state = await stateOf()
    for (const wrong of [null, 0, '7d', [], true]) {
      await expect(call(name, [...before, wrong]), JSON.stringify(wrong)).rejects.toMatchObject({
        name: 'KeyError',
        code: 'invalid_field',
        field: 'options',
      })
    }
    expect(await stateOf()).toBe(state)
  })

  it.each(Object.entries(calls).filter(([name]) => name !== 'noteRefused'))(
    '%s takes undefined as none',
    async (name, [before]) => {
      const refusal = await call(name, [
        ...before.slice(0, name === 'remove' ? 0 : undefined),
        undefined,
      ]).then(
        () => undefined,
        (thrown: KeyError) => thrown.code,
      )
      expect(refusal).not.toBe('invalid_field')
    },
  )

  it.each(['get', 'room', 'volumes'])('%s has none, and says so of a workspace', async (name) => {
    const first = { get: id, room: 'acme', volumes: [id] }[name]
    await expect(call(name, [first, { workspace: 'other' }])).rejects.toThrow(
      `workspace is not an option of ${name}; it takes none`,
    )
    // As with `ids.map(keys.get)`.
    await expect(call(name, [first, 0])).resolves.toBeDefined()
  })

  it('name the caller as an object with known names', async () => {
    const nameless = { actor: 'ops' } as never
    await expect(keys.create(input, nameless)).rejects.toThrow('actor must be an object')
    const misspelt = { actor: { name: 'ops', workspac: 'acme' } } as never
    await expect(keys.create(input, misspelt)).rejects.toThrow(
      'workspac is not an option of actor; did you mean workspace?',
    )
  })

  it('of a dry run say true or false', async () => {
    for (const dryRun of ['yes', null, 1]) {
      await expect(keys.import([], { dryRun } as never)).rejects.toThrow('dryRun must be true or false')
    }
  })

  it('that cannot be names are not repeated', async () => {
    const asked = keys.find(made.key, { [`${made.key}!`]: 1 } as never)
    await expect(asked).rejects.toThrow(/^(?!.*sk_live).*options of find/)
  })

  it.each(['migrate', 'planMigration'] as const)('of %s are refused as well', async (name) => {
    const sql = createSqlStore({ url: 'sqlite::memory:' })
    await expect(sql[name]({ finsh: true } as never)).rejects.toThrow(
      `finsh is not an option of ${name}; did you mean finish?`,
    )
    await sql.close()
  })
})

describe('after a leak', () => {
  it('a misspelt grace period leaves the key as it was, so that the caller looks again', async () => {
    const { writeKey } = await keys.create(input)
    const rotate: WriteKeys['rotate'] = keys.rotate
    await expect(rotate(writeKey.id, 0 as never)).rejects.toThrow(
      'options of rotate must be an object; received 0',
    )
    expect((await keys.get(writeKey.id)).version).toBe(writeKey.version)
  })
})
