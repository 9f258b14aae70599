import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { randomBase62 } from '../../src/runtime/base62.ts'
import { base, startAdmin, viewerToken } from './admin-calls.ts'

const options = { keys: { importedKeys: /^[A-Za-z0-9]{32}$/ } }
const foreign = () => randomBase62(32)
const ios = <Fields extends object>(fields: Fields) => ({ name: 'iOS', source_type: 'mobile', ...fields })

describe('importing keys', () => {
  it('answers with a result for each, in order', async () => {
    const { call } = startAdmin(options)
    const [good, secretAsName] = [foreign(), foreign()]
    const write_keys = [
      ios({ key: good, rate_limit_eps: 5 }),
      ios({ key: good }),
      { ...ios({ key: foreign() }), sourceType: 'web' },
      ios({ [secretAsName]: 1 }),
      ios({ key: foreign(), allowed_origins: ['*'] }),
      ios({ key: foreign(), source_type: 'tv' }),
      ios({ key: 5 }),
      ios({ key_hash: 'f'.repeat(63) }),
      ios({ key_hash: 'f'.repeat(64) }),
      7,
    ]
    const { status, body, headers } = await call('POST', `${base}/import`, { body: { write_keys } })
    expect(status).toBe(200)
    expect(headers.get('cache-control')).toBe('no-store, no-transform')
    expect(
      body.results.map(({ ok, code, field }: { ok: boolean; code: string; field: string }) =>
        ok ? 'ok' : `${code} ${field}`,
      ),
    ).toEqual([
      'ok',
      'conflict key',
      'invalid_field sourceType',
      'invalid_field input',
      'invalid_field allowed_origins',
      'invalid_field source_type',
      'invalid_field key',
      'invalid_field key_hash',
      'ok',
      'invalid_field input',
    ])
    expect(body.results[0].write_key).toMatchObject({
      rate_limit_eps: 5,
      secrets: [{ imported: true, start: good.slice(0, 8) }],
    })
    expect(body.results[7].message).toContain('key_hash must be')
    expect(body.results[2].message).toContain('it takes name, source_type')
    expect(body.results[3].message).toContain('number 3 in order')
    expect(body.results[8]).toMatchObject({
      note: expect.any(String),
      write_key: { secrets: [{ start: '' }] },
    })
    for (const secret of [good, secretAsName]) expect(JSON.stringify(body)).not.toContain(secret)
  })

  it('says which key of the call has a secret first', async () => {
    const { call } = startAdmin(options)
    const item = ios({ key: foreign() })
    const { body } = await call('POST', `${base}/import`, { body: { write_keys: [7, item, 7, item] } })
    expect(body.results[1]).toMatchObject({ ok: true })
    expect(body.results[3]).toEqual({
      ok: false,
      code: 'conflict',
      field: 'key',
      message: 'key is that of an earlier key of this import',
      repeat_of: 1,
    })
  })

  it('takes a thousand keys with rules, and stores none of them in a dry run', async () => {
    const { call } = startAdmin(options)
    const write_keys = Array.from({ length: 1_000 }, () =>
      ios({
        key: foreign(),
        allowed_origins: ['https://app.example.com'],
        metadata: { note: 'x'.repeat(500) },
      }),
    )
    const path = `${base}/import`
    const dry = await call('POST', path, { body: { write_keys, dry_run: true } })
    expect([dry.status, dry.body.results.filter(({ ok }: { ok: boolean }) => ok).length]).toEqual([
      200, 1_000,
    ])
    expect((await call('GET', base)).body.data).toEqual([])
    expect((await call('POST', path, { body: { write_keys } })).status).toBe(200)
    const one = write_keys[0]
    expect((await call('POST', path, { body: { write_keys: [...write_keys, one] } })).status).toBe(422)
    const huge = await call('POST', path, { body: { write_keys: [ios({ key: 'x'.repeat(5_000_000) })] } })
    expect([huge.status, huge.body.detail]).toEqual([413, expect.stringContaining('4194304')])
    const elsewhere = await call('POST', base, { body: { name: 'x'.repeat(70_000) } })
    expect([elsewhere.status, elsewhere.body.detail]).toEqual([413, expect.stringContaining('65536')])
  })

  it('refuses a secret that has ended, in a dry run too, and says what to do', async () => {
    const { call, keys } = startAdmin(options)
    const item = ios({ key: foreign() })
    const write_keys = [item, { ...item, name: 'Again' }]
    const [made] = (await call('POST', `${base}/import`, { body: { write_keys } })).body.results
    await keys.remove(made.write_key.id)
    for (const dry_run of [true, false]) {
      const { status, body } = await call('POST', `${base}/import`, { body: { write_keys, dry_run } })
      expect(status).toBe(200)
      expect(body.results).toMatchObject([
        {
          ok: false,
          code: 'secret_ended',
          field: 'key',
          message: expect.stringMatching(/^key has ended .*create a key/),
        },
        { ok: false, code: 'secret_ended', field: 'key' },
      ])
    }
    const hash = createHash('sha256').update(item.key).digest('hex')
    const hashed = { write_keys: [ios({ key_hash: hash })] }
    const [result] = (await call('POST', `${base}/import`, { body: hashed })).body.results
    expect(result).toMatchObject({
      code: 'secret_ended',
      field: 'key_hash',
      message: expect.stringMatching(/^key_hash has ended/),
    })
    expect((await call('GET', base)).body.data).toEqual([])
  })

  it('leaves the room in a dry run to what earlier calls of it would have made', async () => {
    const { call } = startAdmin({ keys: { ...options.keys, maxKeysPerWorkspace: 3 } })
    const write_keys = [1, 2].map(() => ios({ key: foreign(), workspace: 'acme' }))
    const body = { write_keys, dry_run: true, planned: { acme: 2 } }
    const { results } = (await call('POST', `${base}/import`, { body })).body
    expect(results).toMatchObject([{ ok: true }, { ok: false, code: 'workspace_full' }])
    const refused = await call('POST', `${base}/import`, { body: { ...body, planned: { acme: -1 } } })
    expect([refused.status, refused.body.field]).toEqual([422, 'planned'])
    const stored = await call('POST', `${base}/import`, { body: { ...body, dry_run: false } })
    expect([stored.status, stored.body.field]).toEqual([422, 'planned'])
  })

  it('is for admins', async () => {
    const { call } = startAdmin(options)
    const body = { write_keys: [] }
    expect((await call('POST', `${base}/import`, { body, token: viewerToken })).status).toBe(403)
  })
})

describe('finding a key by its secret', () => {
  it('answers with the key, 404 for a secret that nobody has, and repeats it nowhere', async () => {
    const { call, keys } = startAdmin(options)
    const { writeKey, key } = await keys.create({ name: 'Web', sourceType: 'web' })
    const found = await call('POST', `${base}/find`, { body: { key } })
    expect([found.status, found.body.id]).toEqual([200, writeKey.id])
    const unknown = foreign()
    const missing = await call('POST', `${base}/find`, { body: { key: unknown } })
    expect([missing.status, missing.body.code]).toEqual([404, 'not_found'])
    const log = await call('GET', '/api/v1/events/audit-log')
    const told = JSON.stringify([found.body, missing.body, log.body])
    for (const secret of [key, unknown]) expect(told).not.toContain(secret)
    expect((await call('POST', `${base}/find?key=${key}`, { body: { key } })).status).toBe(422)
    expect((await call('POST', `${base}/find`, { body: {} })).status).toBe(422)
  })
})
