import { describe, expect, it, onTestFinished } from 'vitest'
import { createAdminApi } from '../../src/admin/index.ts'
import { createMemoryStore, createWriteKeys } from '../../src/index.ts'
import { base, callApi } from './admin-calls.ts'

const tokenOf = (name: string) => `${name}-0123456789-0123456789-0123456789`

async function start(store = createMemoryStore()) {
  // All changes are of one millisecond.
  const clock = { now: () => 1_800_000_000_000 }
  const keys = createWriteKeys({
    store,
    logger: false,
    clock,
    importedKeys: /^[A-Za-z0-9]{32}$/,
    pepper: null,
  })
  onTestFinished(() => keys.close())
  const tokens = [
    { name: 'ops', token: tokenOf('ops'), role: 'admin' },
    // A name proves nothing.
    { name: 'ops', token: tokenOf('acme'), role: 'admin', workspace: 'acme' },
  ] as const
  const callAs = callApi(createAdminApi(keys, { tokens }))
  const { writeKey } = await keys.create({ name: 'Web', sourceType: 'web', workspace: 'acme' })
  const call = (who: string, action: string) =>
    callAs('POST', `${base}/${writeKey.id}/${action}`, { token: tokenOf(who) })
  const remove = (who: string) => callAs('DELETE', `${base}/${writeKey.id}`, { token: tokenOf(who) })
  return { keys, id: writeKey.id, call, callAs, remove }
}

describe('somebody of one workspace', () => {
  it('resumes what they paused', async () => {
    const { call } = await start()
    expect((await call('acme', 'pause')).status).toBe(200)
    expect(await call('acme', 'resume')).toMatchObject({ status: 200, body: { status: 'active' } })
  })

  it('does not resume what the operator paused, over the API or in code', async () => {
    const { keys, id, call } = await start()
    for (const pause of [() => call('ops', 'pause'), () => keys.pause(id)]) {
      await pause()
      expect(await call('acme', 'resume')).toMatchObject({
        status: 409,
        body: { code: 'conflict', reason: 'paused_by_operator' },
      })
      expect((await keys.get(id)).status).toBe('paused')
      expect((await call('ops', 'resume')).status).toBe(200)
    }
  })

  it('does not take a pause of the operator over by pausing again, and the operator resumes theirs', async () => {
    const { keys, id, call } = await start()
    await call('ops', 'pause')
    await call('acme', 'pause')
    expect((await call('acme', 'resume')).status).toBe(409)
    await call('ops', 'resume')
    const { body } = await call('acme', 'pause')
    expect(body).toMatchObject({ status: 'paused', paused_by: 'workspace' })
    expect((await keys.audit({ keyId: id })).data[0]?.after).toEqual({
      status: 'paused',
      pausedBy: 'workspace',
    })
    expect((await call('ops', 'resume')).body).toMatchObject({ status: 'active', paused_by: null })
  })

  it('does not end a pause that the operator has taken over', async () => {
    const { call } = await start()
    await call('acme', 'pause')
    expect((await call('ops', 'pause')).body).toMatchObject({ status: 'paused', paused_by: 'operator' })
    expect((await call('acme', 'resume')).body).toMatchObject({ reason: 'paused_by_operator' })
  })

  it('resumes what they paused after a rename by the operator, and without an audit log', async () => {
    const { keys, id, call } = await start({ ...createMemoryStore(), audit: undefined } as never)
    await call('acme', 'pause')
    await keys.update(id, { name: 'Renamed' })
    expect(await call('acme', 'resume')).toMatchObject({ status: 200, body: { status: 'active' } })
  })

  it('does not end a pause that the operator makes while the call is under way', async () => {
    const store = createMemoryStore()
    const { keys, id, call } = await start(store)
    await call('acme', 'pause')
    const replace = store.replace
    store.replace = async (...change) => {
      store.replace = replace
      await call('ops', 'resume')
      await call('ops', 'pause')
      return replace(...change)
    }
    expect((await call('acme', 'resume')).body).toMatchObject({ reason: 'paused_by_operator' })
    expect(await keys.get(id)).toMatchObject({ status: 'paused', pausedBy: 'operator' })
  })

  it('does not delete what the operator paused, which would let them bring the secret back', async () => {
    const { keys, id, call, remove } = await start()
    await call('ops', 'pause')
    expect(await remove('acme')).toMatchObject({ status: 409, body: { reason: 'paused_by_operator' } })
    expect((await keys.get(id)).status).toBe('paused')
    expect((await remove('ops')).status).toBe(204)
  })

  it('does not delete what the operator paused after revoking or renaming it either', async () => {
    const { keys, id, call, callAs, remove } = await start()
    const acme = { actor: { name: 'acme', workspace: 'acme' } }
    await call('ops', 'pause')
    expect(await call('acme', 'revoke')).toMatchObject({
      status: 200,
      body: { status: 'revoked', paused_by: 'operator' },
    })
    await callAs('PATCH', `${base}/${id}`, { token: tokenOf('acme'), body: { name: 'Renamed' } })
    await call('acme', 'revoke')
    expect(await remove('acme')).toMatchObject({ status: 409, body: { reason: 'paused_by_operator' } })
    await expect(keys.remove(id, acme)).rejects.toMatchObject({ reason: 'paused_by_operator' })
    expect(await keys.get(id)).toMatchObject({ status: 'revoked', pausedBy: 'operator' })
    expect((await remove('ops')).status).toBe(204)
  })

  it('deletes what they revoked, paused by themselves or resumed by the operator before', async () => {
    for (const before of [['acme pause'], ['ops pause', 'ops resume'], []]) {
      const { call, remove } = await start()
      for (const step of before) await call(...(step.split(' ') as [string, string]))
      await call('acme', 'revoke')
      expect((await remove('acme')).status).toBe(204)
    }
  })

  it('deletes what they paused themselves', async () => {
    const { call, remove } = await start()
    await call('acme', 'pause')
    expect((await remove('acme')).status).toBe(204)
  })
})

describe('an import by somebody of one workspace', () => {
  const importAs = async (by: 'ops' | 'acme', item: Record<string, unknown>) => {
    const { callAs } = await start()
    const body = { write_keys: [{ name: 'Back', source_type: 'web', ...item }] }
    const { body: answer } = await callAs('POST', `${base}/import`, { token: tokenOf(by), body })
    return (answer as { results: { ok: boolean; field?: string; code?: string }[] }).results[0]
  }

  it('brings no secret back that was made here, whose ever it was, nor a hash that may be of one', async () => {
    const other = createWriteKeys({ store: createMemoryStore(), logger: false })
    onTestFinished(() => other.close())
    const { key } = await other.create({ name: 'Deleted', sourceType: 'web' })
    const hash = 'ab'.repeat(32)

    expect(await importAs('acme', { key })).toMatchObject({ ok: false, code: 'invalid_field', field: 'key' })
    expect(await importAs('acme', { key_hash: hash })).toMatchObject({ ok: false, field: 'key_hash' })
    expect(await importAs('ops', { key })).toMatchObject({ ok: true })
    expect(await importAs('ops', { key_hash: hash })).toMatchObject({ ok: true })
  })

  it('does not learn whether another workspace has a secret, had it, or they themselves had it', async () => {
    const { keys, callAs } = await start()
    const secrets = ['live', 'revoked', 'ended', 'own', 'ownEnded'].map((name) => name.padEnd(32, '0'))
    const inputs = secrets.map((key, index) => ({
      name: `${index}`,
      sourceType: 'web' as const,
      workspace: index < 3 ? 'beta' : 'acme',
      key,
    }))
    const { results } = await keys.import(inputs)
    const ids = results.map((result) => (result.ok ? result.writeKey.id : ''))
    await keys.revoke(ids[1] as string)
    for (const index of [2, 4]) await keys.remove(ids[index] as string)
    const write_keys = [...secrets, ...secrets].map((key) => ({ name: 'Again', source_type: 'web', key }))
    for (const dry_run of [true, false]) {
      const body = { write_keys, dry_run }
      const answer = await callAs('POST', `${base}/import`, { token: tokenOf('acme'), body })
      const told = answer.body.results as { code: string }[]
      const [live, revoked, ended, own, ownEnded] = told
      expect(live).toMatchObject({ ok: false, code: 'secret_taken', field: 'key' })
      for (const other of [revoked, ended, ownEnded]) expect(other).toEqual(live)
      expect(own).toMatchObject({ ok: false, code: 'conflict' })
      // A repeated line tells no more than the first one.
      const again = told.slice(0, 5).map((result: object, index: number) => ({ ...result, repeat_of: index }))
      expect(told.slice(5)).toEqual(again)
      const operator = await callAs('POST', `${base}/import`, { token: tokenOf('ops'), body })
      expect(operator.body.results.map(({ code }: { code: string }) => code).slice(0, 5)).toEqual([
        'conflict',
        'conflict',
        'secret_ended',
        'conflict',
        'secret_ended',
      ])
    }
    expect((await keys.list({ q: 'Again' })).data).toEqual([])
  })

  it('brings along a secret that was made elsewhere', async () => {
    expect(await importAs('acme', { key: 'kZ9abcdefghijklmnopqrstuv0123456' })).toMatchObject({ ok: true })
  })
})
