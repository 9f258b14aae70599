import { describe, expect, it } from 'vitest'
import type { CredentialSource, FindKey } from '../../src/http/ingest-request.ts'
import { createCredentialReader } from '../../src/verifier/credential-reader.ts'
import { credentialsOption } from '../../src/verifier/credentials-option.ts'
import { createVisit, type Visit } from '../../src/verifier/visit.ts'

type Received = NonNullable<Visit['received']>
const readable: Received = { ok: true, value: { writeKey: 'of the body', k: 'another' }, bytes: 1 }
const unreadable: Received = { ok: false, reason: 'invalid_json', bodyLeft: false }

/** What is presented to these places, and how often the body was read. */
function start(credentials: CredentialSource | CredentialSource[], received: Received = readable) {
  let reads = 0
  const read = createCredentialReader(() => {
    reads++
    return received
  })
  return {
    present(method = 'POST') {
      const request = { method, path: '/v1/track', headers: {}, query: 'writeKey=of+the+query' }
      return read(
        createVisit(request, {
          credentials: credentialsOption(credentials, 'credentials'),
          batchFields: ['batch'],
        }),
      )
    },
    reads: () => reads,
  }
}

describe('a function among the credentials', () => {
  it.each([
    ['a text', 'a-key', 'a-key'],
    ['an empty text', '', ''],
    ['undefined', undefined, 'of the query'],
    ['null', null, 'of the query'],
    ['a number', 5, null],
    ['an object', { key: 'a-key' }, null],
  ])('may return %s, and promise it', async (_, found, expected) => {
    const now = start([(() => found) as FindKey, 'query'])
    const later = start([(async () => found) as FindKey, 'query'])
    expect(now.present()).toBe(expected)
    expect(await later.present()).toBe(expected)
  })

  it('may promise in the manner of another library', async () => {
    const thenable = Object.fromEntries([['then', (tell: (found: string) => void) => tell('a-key')]])
    expect(await start((() => thenable) as unknown as FindKey).present()).toBe('a-key')
  })

  it('that fails refuses the request with its own error', async () => {
    const broken = new Error('broken')
    expect(
      start(() => {
        throw broken
      }).present,
    ).toThrow(broken)
    await expect(start(() => Promise.reject(broken)).present()).rejects.toBe(broken)
  })

  it('may look into the body, and has found nothing when it fails for want of one', async () => {
    const readKey: FindKey = async ({ readBody }) => ((await readBody()) as { k: string }).k
    expect(await start([readKey, 'query']).present()).toBe('another')
    expect(await start([readKey, 'query'], unreadable).present()).toBe('of the query')
    await expect(start([readKey, 'query']).present('GET')).rejects.toThrow(TypeError)
  })
})

describe('the body', () => {
  const other = { body: 'k' }
  it('is read once, however many places are in it', async () => {
    const { present, reads } = start([
      { body: 'absent' },
      async ({ readBody }) => void (await readBody()),
      other,
    ])
    expect(await present()).toBe('another')
    expect(reads()).toBe(1)
  })

  it.each(['GET', 'HEAD'])('is not looked for in a %s', async (method) => {
    const { present, reads } = start(['body', async ({ readBody }) => (await readBody()) as undefined])
    expect(await present(method)).toBeUndefined()
    expect(reads()).toBe(0)
  })

  it('holds no key when it cannot be read', () => {
    expect(start('body').present()).toBe('of the body')
    expect(start(['body', other], unreadable).present()).toBeUndefined()
  })
})
