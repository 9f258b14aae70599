import { describe, expect, it } from 'vitest'
import type { CreateKeyInput, IngestRequest, WriteKeysOptions } from '../../../src/index.ts'
import { markForeignPage } from '../../../src/verifier/visit.ts'
import { post } from '../../manual-keys.ts'
import { startTold } from '../told-keys.ts'

const [own, other] = ['https://a.example', 'https://b.example']

interface Sent {
  origin?: string
  ip?: string | undefined
  /** Whether only a key that names the page's origin may let it through. */
  isForeign?: boolean
}

async function start(fields: Partial<CreateKeyInput>, options: WriteKeysOptions = {}) {
  const { keys, events, make } = startTold(options)
  const { key, writeKey } = await make(fields)
  const send = async ({ origin, isForeign = false, ...more }: Sent = {}) => {
    const made = post(key, { event: 'a' })
    const headers = { ...made.headers, ...(origin !== undefined && { origin }) }
    const request = { ...made, ...more, headers } as IngestRequest
    const verdict = await keys.verify(isForeign ? markForeignPage(request) : request)
    const readers = (verdict.ok ? verdict.headers : verdict.reply.headers)['access-control-allow-origin']
    return [verdict.ok ? 'accepted' : verdict.reason, readers]
  }
  const pause = () => keys.pause(writeKey.id)
  const told = () => events.filter(({ type }) => type === 'server_key_in_browser')
  return { send, pause, told, id: writeKey.id }
}

describe('a page', () => {
  it.each<[string, string[] | undefined, Sent, unknown[]]>([
    ['of any origin', undefined, { origin: other }, ['accepted', '*']],
    ['of an origin that cannot be told', undefined, { origin: 'null' }, ['accepted', '*']],
    ['that is named', [own], { origin: own }, ['accepted', own]],
    ['that is not named', [own], { origin: other }, ['origin_not_allowed', undefined]],
    ['that cannot be told', [own], { origin: 'null' }, ['origin_not_allowed', undefined]],
    ['that is none', [own], {}, ['accepted', undefined]],
    ['that is foreign', undefined, { origin: own, isForeign: true }, ['origin_not_allowed', undefined]],
    ['that is foreign, and named', [own], { origin: own, isForeign: true }, ['accepted', own]],
    ['that is foreign, and none', undefined, { isForeign: true }, ['accepted', '*']],
  ])('%s: is let through, and may read the answer, as its key says', async (_, allowed, sent, expected) => {
    const { send } = await start(allowed === undefined ? {} : { allowedOrigins: allowed })
    expect(await send(sent)).toEqual(expected)
  })

  it('that the key allows may read that it is paused, whatever else is wrong', async () => {
    const { send, pause } = await start({ allowedOrigins: [own], allowedIps: ['192.0.2.1'] })
    await pause()
    expect(await send({ origin: own })).toEqual(['key_paused', own])
    expect(await send({ origin: other })).toEqual(['key_paused', undefined])
  })
})

describe('an address', () => {
  it('is judged before the page, and when it cannot be told', async () => {
    const { send } = await start({ allowedOrigins: [own], allowedIps: ['192.0.2.1'] })
    expect(await send({ origin: own, ip: '192.0.2.1' })).toEqual(['accepted', own])
    expect(await send({ origin: other, ip: '192.0.2.2' })).toEqual(['ip_not_allowed', undefined])
    expect(await send({ origin: own, ip: undefined })).toEqual(['ip_not_allowed', own])
  })

  it('is not needed by a key without a rule of addresses', async () => {
    const { send } = await start({})
    expect(await send({ ip: undefined })).toEqual(['accepted', '*'])
  })
})

describe("a server's key", () => {
  it('is refused in a page, where that is denied, and the page cannot read why', async () => {
    const { send, told } = await start({ sourceType: 'server' }, { serverKeysInBrowsers: 'deny' })
    expect(await send({ origin: own })).toEqual(['origin_not_allowed', undefined])
    expect(await send()).toEqual(['accepted', '*'])
    expect(told()).toEqual([])
  })

  it('is told of in a page, where that is allowed', async () => {
    const { send, told, id } = await start({ sourceType: 'server' }, { serverKeysInBrowsers: 'allow' })
    expect(await send()).toEqual(['accepted', '*'])
    expect(told()).toEqual([])
    expect(await send({ origin: own })).toEqual(['accepted', '*'])
    expect(told()).toEqual([{ type: 'server_key_in_browser', keyId: id, origin: own }])
  })

  it.each(['allow', 'deny'] as const)('is not one of a page, which is neither: %s', async (option) => {
    const { send, told } = await start({ sourceType: 'web' }, { serverKeysInBrowsers: option })
    expect(await send({ origin: own })).toEqual(['accepted', '*'])
    expect(told()).toEqual([])
  })
})
