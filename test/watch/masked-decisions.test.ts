import { afterEach, describe, expect, it } from 'vitest'
import { createWriteKeys, type WriteKeyEvent } from '../../src/index.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

const imported = 'Ab9xY7qxY7qxY7qxY7qxY7qxY7qxY7qZ'
const basic = (key: string) => `Basic ${btoa(`${key}:`)}`
const spellings: [string, (key: string) => string][] = [
  ['as it is', (key) => key],
  ['in lower case', (key) => key.toLowerCase()],
  ['percent-encoded', (key) => `%${key.charCodeAt(0).toString(16)}${key.slice(1)}`],
  ['as HTTP Basic', basic],
]

describe.each(spellings)('the presented key %s', (_, spell) => {
  it.each(['imported', 'generated'])(
    'is in no text of a decision, event or log when it is %s',
    async (kind) => {
      const told: WriteKeyEvent[] = []
      const logged: unknown[] = []
      const log = (...line: unknown[]) => void logged.push(line)
      const keys = createWriteKeys({
        importedKeys: /^[A-Za-z0-9]{32}$/,
        credentials: ['basic', 'query'],
        activity: { keepPayloads: true, keepHeaders: true },
        logger: { error: log, warn: log, info: log },
        onEvent: (event) => told.push(event),
      })
      closers.push(() => keys.close())
      const { decisions, listProblems } = keys.activity
      decisions.subscribe(() => {})
      const about = { name: 'Old', sourceType: 'web', deniedEventNames: ['Denied'] } as const
      const key = kind === 'generated' ? (await keys.create(about)).key : imported
      if (kind === 'imported') await keys.import([{ ...about, key }])
      const text = spell(key)

      const send = async (body: unknown, headers: Record<string, string> = {}, more = {}) => {
        const request = { method: 'POST', path: '/v1/track', ip: '203.0.113.7', ...more }
        return keys.verify({ ...request, headers: { authorization: basic(key), ...headers }, body })
      }
      const fine = { event: 'x' }
      const verdicts = [
        await send(fine, {}, { query: `writeKey=${key}` }),
        await send(fine, { 'user-agent': `app/${text}` }),
        await send(fine, { referer: `https://x/?k=${text}` }),
        await send({ event: text }),
        await send({ event: `Paid ${text}` }),
        await send({ event: `${'x'.repeat(190)} ${text}` }),
        await send({ event: 'x', context: { note: text, [text]: 1, library: { name: `lib ${text}` } } }),
        await send({ event: 'x', pad: '-'.repeat(4_060), note: text }),
        await send({ event: 'x', type: text }, {}, { path: '/v1/batch' }),
        await send({ event: 'x', type: 'track' }, {}, { path: `/v1/${text.replace(' ', '/')}` }),
        await send(fine, { origin: `https://${text}.example` }),
        await send(fine, { [`x-${text.replace(' ', '-')}`]: 'a', 'x-note': [text, text] as never }),
        // Refused with its body read: problems show the names.
        await send(
          [
            { type: 'track', event: 'Denied' },
            { type: 'track', event: text },
          ],
          {},
          { path: '/v1/batch' },
        ),
      ]
      expect(verdicts.filter(({ ok }) => ok).length).toBeGreaterThanOrEqual(9)
      expect(verdicts.at(-1)).toMatchObject({ ok: false, reason: 'event_name_not_allowed' })

      expect(decisions.list()).toHaveLength(verdicts.length)
      expect(told.length).toBeGreaterThanOrEqual(verdicts.length)
      const shown = JSON.stringify([decisions.list(), told, logged, await listProblems()]).toLowerCase()
      expect(shown).toContain('(a write key)')
      const parts = [key, btoa(`${key}:`)].map((form) => form.slice(4, 20).toLowerCase())
      for (const part of parts) expect(shown.split(part)).toHaveLength(1)
    },
  )
})

it('a key that nobody knows is hidden, too', async () => {
  const keys = createWriteKeys({ importedKeys: /^[A-Za-z0-9]{32}$/ })
  closers.push(() => keys.close())
  const { decisions } = keys.activity
  const headers = { authorization: basic(imported), 'user-agent': imported }
  await keys.verify({ method: 'POST', path: `/v1/${imported}`, headers, body: { event: imported } })
  expect(decisions.list()).toMatchObject([{ path: '/v1/(a write key)', sdk: '(a write key)', keyId: null }])
})
