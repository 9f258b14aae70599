import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { createMemoryStore, createWriteKeys, type KeyError, type WriteKeys } from '../src/index.ts'
import type { Actor } from '../src/keys/audit-entry.ts'
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
  list: [[], { workspac: 'other' }, 'workspace'],
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
  audit: [[], { workspac: 'other' }, 'workspace'],
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

  it.each(Object.entries(calls))(
    '%s refuses a misspelt one that is a getter or inherited',
    async (name, [before, misspelt]) => {
      const [wrong] = Object.keys(misspelt)
      const getter = { get: () => 0, configurable: true }
      class Options {}
      Object.defineProperty(Options.prototype, wrong as string, getter)
      const hidden = Object.defineProperty({}, wrong as string, getter)
      for (const given of [new Options(), new (class extends Options {})(), Object.create(misspelt), hidden])
        await expect(call(name, [...before, given])).rejects.toMatchObject({ name: 'KeyError', field: wrong })
    },
  )

  it.each(Object.entries(calls))('%s refuses a misspelt one, and does nothing', async (name, given) => {
    const [before, misspelt, meant] = given
    const wrong = Object.keys(misspelt)[0] as string
    const state = await stateOf()
    const error = (await call(name, [...before, misspelt]).catch((thrown: unknown) => thrown)) as KeyError
    expect(error).toMatchObject({ name: 'KeyError', code: 'invalid_field', field: wrong })
    const owner = name.replace('activity.', '')
    expect(error.message).toBe(`${wrong} is not an option of ${owner}; did you mean ${meant}?`)
    expect(await stateOf()).toBe(state)
  })

  it.each(Object.entries(calls))('%s refuses what is no object', async (name, [before]) => {
    const state = await stateOf()
    const elsewhere = [new Map(), new Set(), new Date(), new URLSearchParams(), new FormData()]
    for (const wrong of [null, 0, '7d', [], true, Promise.resolve({}), ...elsewhere]) {
      await expect(call(name, [...before, wrong]), String(wrong)).rejects.toMatchObject({
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

  it.each([{ version: '1' }, { version: null }, { version: Number.NaN }, { version: 1.5 }])(
    'refuse %j, which is no version, and not as a change of somebody else',
    async (options) => {
      const changes = Object.entries(calls).filter(([, [, misspelt]]) =>
        /^ver/i.test(Object.keys(misspelt)[0] ?? ''),
      )
      expect(changes).toHaveLength(8)
      for (const [name, [before]] of changes) {
        await expect(call(name, [...before, options]), name).rejects.toMatchObject({
          code: 'invalid_field',
          field: 'version',
          message: expect.stringContaining('version must be a whole number; received '),
        })
      }
    },
  )

  it('of a dry run say true or false', async () => {
    for (const dryRun of ['yes', null, 1]) {
      await expect(keys.import([], { dryRun } as never)).rejects.toThrow('dryRun must be true or false')
    }
  })

  it('are taken from an object of another realm, and with what a library has hidden in it', async () => {
    const foreign = runInNewContext('({ workspace: "acme" })')
    const configured = Object.defineProperty({ workspace: 'acme' }, 'util', { value: { get() {} } })
    const bare = Object.assign(Object.create(null), { workspace: 'acme' })
    for (const options of [foreign, configured, bare])
      expect((await keys.list(options)).data.map(({ name }) => name)).toEqual(['Till'])
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

/** The entry that the audit log has of a change by this actor. */
async function noted(actor: Actor) {
  const { writeKey } = await keys.create(input)
  await keys.revoke(writeKey.id, { actor })
  const entry = (await keys.audit({ keyId: writeKey.id })).data.find(({ action }) => action === 'revoke')
  return { actor: entry?.actor, address: entry?.address }
}

describe('the actor of a call', () => {
  it('may be a user with fields of its own, or an object of a class', async () => {
    class User {
      id = 7
      email = 'ann@example.com'
      addresses = []
      get name() {
        return 'ann'
      }
      get address() {
        return '192.0.2.1'
      }
      get notLoaded(): never {
        throw new Error('not loaded')
      }
    }
    const user = { id: 7, name: 'ann', lname: 'lee', email: 'ann@example.com', roles: ['admin'] }
    expect(await noted(user)).toEqual({ actor: 'ann', address: null })
    expect(await noted(new User())).toEqual({ actor: 'ann', address: '192.0.2.1' })
    expect(await noted({ name: null, workspace: null } as never)).toEqual({ actor: null, address: null })
  })

  it.each([
    [{ name: 'ann', workspac: 'acme' }, 'workspac is not an option of actor; did you mean workspace?'],
    [{ name: 'ann', workspaces: ['acme'] }, 'workspaces is not an option of actor; did you mean workspace?'],
    [Object.create({ name: 'ann', work_space: 1 }), 'work_space is not an option of actor; did you mean'],
    [{ nam: 'ann' }, 'nam is not an option of actor; did you mean name?'],
    [{ name: { first: 'ann' } }, 'actor.name must be a text; received an object'],
    [{ name: 'ann', workspace: undefined }, 'actor.workspace must be a text, or be left out for an operator'],
    [{ name: 'ann', workspace: { id: 'acme' } }, 'actor.workspace must be a text; received an object'],
    ['ops', "actor must be an object, such as { name: 'ops' }; received a string of 3 characters"],
    [null, "actor must be an object, such as { name: 'ops' }; received null"],
    [Promise.resolve({ name: 'ann' }), 'received a promise: await it first'],
    [new Map([['name', 'ann']]), 'received an object of class Map'],
  ])('is refused as %o', async (actor, problem) => {
    const state = await stateOf()
    await expect(keys.revoke(id, { actor } as never)).rejects.toThrow(problem)
    expect(await stateOf()).toBe(state)
  })

  it('has no more rights for being a user: a pause of an operator stays', async () => {
    const { writeKey } = await keys.create(input)
    await keys.pause(writeKey.id)
    class User {
      get workspace() {
        return 'acme'
      }
    }
    for (const actor of [new User(), { workspace: null }])
      await expect(keys.resume(writeKey.id, { actor } as never)).rejects.toMatchObject({
        reason: 'paused_by_operator',
      })
  })
})

describe('after a leak', () => {
  it('a forgotten await leaves the key as it was and says what is missing', async () => {
    const { writeKey } = await keys.create(input)
    const later = Promise.resolve({ gracePeriodHours: 0 }) as never
    await expect(keys.rotate(writeKey.id, later)).rejects.toThrow(
      'options of rotate must be an object; received a promise: await it first',
    )
    expect((await keys.get(writeKey.id)).version).toBe(writeKey.version)
    class AtOnce {
      get gracePeriodHours() {
        return 0
      }
    }
    const { graceExpiresAt } = await keys.rotate(writeKey.id, new AtOnce())
    expect(graceExpiresAt.getTime()).toBeLessThanOrEqual(Date.now())
  })

  it('a misspelt grace period leaves the key as it was, so that the caller looks again', async () => {
    const { writeKey } = await keys.create(input)
    const rotate: WriteKeys['rotate'] = keys.rotate
    await expect(rotate(writeKey.id, 0 as never)).rejects.toThrow(
      'options of rotate must be an object; received 0',
    )
    expect((await keys.get(writeKey.id)).version).toBe(writeKey.version)
  })
})
