import { describe, expect, it, onTestFinished } from 'vitest'
import { createWriteKeys, type IngestRequestInit, type WriteKeysOptions } from '../../../src/index.ts'
import { web } from '../../manual-keys.ts'

async function start(credentials: WriteKeysOptions['credentials'] & {}) {
  const keys = createWriteKeys({ credentials, logger: false })
  onTestFinished(() => keys.close())
  const { key } = await keys.create(web)
  const verify = (request: Partial<IngestRequestInit>) =>
    keys.verify({ method: 'POST', path: '/v1/track', headers: {}, body: { event: 'a' }, ...request })
  return { key, verify }
}

describe('a verdict', () => {
  it('says what holds the key, and keeps only answers to keys in URLs out of caches', async () => {
    const { key, verify } = await start(['header', { path: '/e/:key' }])
    const inHeader = await verify({ headers: { 'x-write-key': key } })
    expect(inHeader).toMatchObject({ ok: true, carried: { headers: ['x-write-key'], inUrl: false } })
    expect(inHeader).not.toHaveProperty('headers.cache-control')
    const inPath = await verify({ path: `/e/${key}` })
    expect(inPath).toMatchObject({ ok: true, carried: { headers: [], inUrl: true } })
    expect(inPath).toHaveProperty('headers.cache-control', 'no-store')
    expect((await verify({})).carried).toBeUndefined()
  })

  it('says so of no request without a path, which an adapter never makes', async () => {
    const { key, verify } = await start(['header', { path: '/e/:key' }])
    const verdict = await verify({ path: undefined as never, headers: { 'x-write-key': key } })
    expect(verdict).toMatchObject({ ok: false, reason: 'internal_error', reply: { status: 503 } })
    expect(verdict.carried).toBeUndefined()
  })
})
