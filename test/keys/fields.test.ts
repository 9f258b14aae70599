import { describe, expect, it } from 'vitest'
import { snakeCaseKeys } from '../../src/admin/field-names.ts'
import { createKeySchema, keySchema, toKeyJson, updateKeySchema } from '../../src/admin/key-schema.ts'
import { commandHelp } from '../../src/cli/help.ts'
import { fieldFlags, toKeyFields } from '../../src/cli/key-flags.ts'
import { type CreateKeyInput, createMemoryStore, createWriteKeys } from '../../src/index.ts'
import { type FieldName, fieldEntries, type KeyField } from '../../src/keys/fields.ts'
import type { KeyRecord } from '../../src/keys/key-record.ts'
import { settableFields, unsetFields } from '../../src/keys/settable-fields.ts'
import { toKebabCase, toSnakeCase } from '../../src/runtime/letter-case.ts'
import { createSqlStore } from '../../src/stores/sql/index.ts'
import { createKeyRecord } from '../../src/testing/stored-key.ts'

/** A value that a caller may give, by kind of field or of entry, and as a flag. */
const samples: Readonly<Record<string, readonly [value: unknown, text: string]>> = {
  text: ['Über\u{1F30D}', 'Über\u{1F30D}'],
  word: ['staging', 'staging'],
  number: [12.5, '12.5'],
  moment: ['2199-01-01T00:00:00.000Z', '2199-01-01T00:00:00.000Z'],
  json: [{ team: 'é' }, '{"team":"é"}'],
  rules: [{ allowedIps: ['10.0.0.0/8'] }, '{"allowed_ips":["10.0.0.0/8"]}'],
  eventType: [['track', 'page'], 'track,page'],
  eventName: [['billing/*', 'Ö'], 'billing/*,Ö'],
  origin: [['https://app.example.com'], 'https://app.example.com'],
  ip: [['10.0.0.0/8'], '10.0.0.0/8'],
}

function sampleOf({ kind, entries, words }: KeyField): readonly [value: unknown, text: string] {
  if (words !== undefined) return [words[1], words[1] as string]
  return samples[entries ?? kind] as readonly [unknown, string]
}

const settable = fieldEntries.filter(([, field]) => field.settable !== undefined)
const fixed = fieldEntries.filter(([, field]) => field.settable === undefined)
const required: CreateKeyInput = { name: 'Web', sourceType: 'web' }

/** As JSON has it. */
function inJson({ kind }: KeyField, value: unknown): unknown {
  return kind === 'rules' ? snakeCaseKeys(value as Record<string, unknown>) : value
}

/** As records hold it. */
function inRecord(name: FieldName, value: unknown): unknown {
  return name === 'expiresAt' ? Date.parse(value as string) : value
}

it('a field is settable by an update when it always is, and by a creation in any case', () => {
  expect(settableFields('create')).toEqual(settable.map(([name]) => name))
  const always = settable.filter(([, field]) => field.settable === 'always')
  expect(settableFields('update')).toEqual(always.map(([name]) => name))
  expect(always.length).toBeLessThan(settable.length)
})

describe('a field that can be set', () => {
  it.each(settable)('%s: at creation, and read back over the JSON API', async (name, field) => {
    const keys = createWriteKeys({ store: createMemoryStore() })
    const [value] = sampleOf(field)
    const { writeKey } = await keys.create({ ...required, [name]: value })
    expect(toKeyJson(writeKey)).toHaveProperty(toSnakeCase(name), inJson(field, value))
    expect(toKeyJson(await keys.get(writeKey.id))).toHaveProperty(toSnakeCase(name), inJson(field, value))
    await keys.close()
  })

  it.each(settable)(
    '%s: by an update exactly when it may, and `null` takes what is optional away',
    async (name, field) => {
      const keys = createWriteKeys({ store: createMemoryStore() })
      const { writeKey } = await keys.create(required)
      const [value] = sampleOf(field)
      const update = (given: unknown) => keys.update(writeKey.id, { [name]: given })
      if (field.settable === 'create') {
        await expect(update(value)).rejects.toThrow(`${name} is not a field that can be changed`)
      } else {
        expect(toKeyJson(await update(value))).toHaveProperty(toSnakeCase(name), inJson(field, value))
        if (field.nullable) expect(await update(null)).toHaveProperty(name, null)
        else await expect(update(null)).rejects.toMatchObject({ code: 'invalid_field', field: name })
      }
      await keys.close()
    },
  )

  it.each(settable)('%s: a revoked key takes it exactly when the table says so', async (name, field) => {
    const keys = createWriteKeys({ store: createMemoryStore() })
    const { writeKey } = await keys.create(required)
    await keys.revoke(writeKey.id)
    const change = keys.update(writeKey.id, { [name]: sampleOf(field)[0] })
    if (field.evenRevoked) expect(await change).toMatchObject({ status: 'revoked' })
    else await expect(change).rejects.toThrow()
    await keys.close()
  })

  it.each(settable)('%s: in the audit log when it changes', async (name, field) => {
    const keys = createWriteKeys({ store: createMemoryStore() })
    const [value] = sampleOf(field)
    await keys.create({ ...required, [name]: value })
    const { data } = await keys.audit()
    expect(data[0]?.after).toHaveProperty(name, inRecord(name, value))
    await keys.close()
  })

  it.each(settable)('%s: in the schemas of the management API', (name, field) => {
    const json = toSnakeCase(name)
    const value = inJson(field, sampleOf(field)[0])
    expect(createKeySchema.safeParse({ name: 'Web', source_type: 'web', [json]: value }).success).toBe(true)
    expect(updateKeySchema.safeParse({ [json]: value }).success).toBe(field.settable === 'always')
    expect(updateKeySchema.safeParse({ [json]: null }).success).toBe(
      field.nullable === true && field.settable === 'always',
    )
    const described = createKeySchema.toJSONSchema({ io: 'input' }).properties?.[json] as {
      description?: string
    }
    expect(described.description).toBe(field.description)
  })

  it.each(settable)('%s: as a flag of the command line, and in its help', (name, field) => {
    const flag = toKebabCase(name)
    const [value, text] = sampleOf(field)
    expect(commandHelp('create', 100)).toContain(`--${flag} `)
    expect(fieldFlags('create')[flag]?.help).not.toBe('')
    expect(Object.hasOwn(fieldFlags('update'), flag)).toBe(field.settable === 'always')
    expect(toKeyFields({ [flag]: text }, 0)).toEqual({ [toSnakeCase(name)]: inJson(field, value) })
    if (field.nullable) expect(toKeyFields({ [flag]: 'null' }, 0)).toEqual({ [toSnakeCase(name)]: null })
  })
})

describe('a field that no caller sets', () => {
  it.each(fixed)('%s is refused', async (name) => {
    const keys = createWriteKeys({ store: createMemoryStore() })
    await expect(keys.create({ ...required, [name]: 1 })).rejects.toThrow(
      `${name} is not a field that can be set`,
    )
    expect(
      createKeySchema.safeParse({ name: 'Web', source_type: 'web', [toSnakeCase(name)]: 1 }).success,
    ).toBe(false)
    expect(fieldFlags('create')).not.toHaveProperty([toKebabCase(name)])
    await keys.close()
  })
})

describe('every field', () => {
  const full = createKeyRecord({
    ...Object.fromEntries(settable.map(([name, field]) => [name, inRecord(name, sampleOf(field)[0])])),
    status: 'revoked',
    revokedAt: 1_768_478_500_000,
    version: 7,
  })
  const sparse = createKeyRecord()

  it.each([
    ['set', full],
    ['unset', sparse],
  ])('comes back from a row when it is %s', async (_, record: KeyRecord) => {
    const store = createSqlStore({ url: 'sqlite::memory:' })
    const entry = { at: 1, actor: null, address: null, keyId: record.id, before: null, after: null }
    await store.insert(record, { ...entry, id: 'aud_1', action: 'create' })
    expect(await store.get(record.id)).toEqual(record)
    await store.close()
  })

  it('is in the JSON of a key, which its schema describes', () => {
    const names = [
      ...fieldEntries.map(([name]) => toSnakeCase(name)),
      'secrets',
      'effective_rate_limit_eps',
      'effective_sender_rate_limit_eps',
      'effective_monthly_events',
      'event_bytes',
      'effective_status',
    ]
    expect(new Set(Object.keys(keySchema.shape))).toEqual(new Set<string>(names))
  })

  it('that is optional is null in a new key', () => {
    expect(createKeyRecord()).toMatchObject(unsetFields)
    expect(Object.keys(unsetFields)).toEqual(
      settable.filter(([, field]) => field.nullable).map(([name]) => name),
    )
  })
})
