import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { createAdminApi } from '../../src/admin/index.ts'
import { createWriteKeys } from '../../src/index.ts'
import { createSqlStore } from '../../src/stores/sql/index.ts'
import { openShell } from '../cli/shell.ts'
import { useFolder } from '../stores/sql/databases.ts'
import { base, callApi, tokens, viewerToken } from './admin-calls.ts'

const folder = useFolder()

/** A secret in every spelling in which it could lie about. */
function spellings(secret: string): string[] {
  const bytes = Buffer.from(secret)
  return [
    secret,
    secret.slice(-30),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    // Base64 of a text depends on where it begins: cut to what all three phases have in common.
    ...[0, 1, 2].map((offset) =>
      Buffer.from(`${'x'.repeat(offset)}${secret}:`)
        .toString('base64')
        .slice(4, -8),
    ),
    bytes.toString('base64url').slice(0, -2),
    [...secret].map((letter) => `%${letter.charCodeAt(0).toString(16)}`).join(''),
    [...secret].reverse().join(''),
    bytes.toString('utf16le'),
  ]
}

describe('a secret', () => {
  it('is in the one answer that made it, and nowhere else', async () => {
    const url = `sqlite:${join(folder, 'sweep.db')}`
    const heard: string[] = []
    const note = (...values: unknown[]) =>
      heard.push(values.map((value) => inspect(value, { depth: 9 })).join(' '))
    const keys = createWriteKeys({
      store: createSqlStore({ url }),
      onEvent: note,
      logger: { error: note, warn: note },
      environment: 'test',
      keyPrefix: 'acme_',
    })
    const api = createAdminApi(keys, { tokens, logger: { error: note, warn: note } })
    const call = callApi(api)
    const answers: string[] = []
    const record: typeof call = async (...request) => {
      const answer = await call(...request)
      answers.push(`${JSON.stringify([...answer.headers])}${JSON.stringify(answer.body)}`)
      return answer
    }

    const { body: created } = await record('POST', base, {
      body: { name: 'Sweep', source_type: 'web', allowed_event_types: ['track'] },
      headers: { 'idempotency-key': 'sweep' },
    })
    await record('POST', base, {
      body: { name: 'Sweep', source_type: 'web' },
      headers: { 'idempotency-key': 'sweep' },
    })
    const path = `${base}/${created.id}`
    const { body: rotated } = await record('POST', `${path}/rotate`, { body: { grace_period_hours: 1 } })
    const secrets: string[] = [created.key, rotated.key]

    for (const secret of secrets) {
      const authorization = `Basic ${Buffer.from(`${secret}:`).toString('base64')}`
      for (const type of ['track', 'page', 'batch']) {
        const verdict = await keys.verify({
          method: 'POST',
          path: `/v1/${type}`,
          headers: { authorization, origin: 'https://a.example' },
          ip: '192.0.2.1',
          body: type === 'batch' ? 'broken' : { event: 'a', writeKey: secret },
        })
        note(verdict, verdict.ok ? JSON.stringify(verdict) : verdict.reply)
      }
      // Secrets put in the wrong place: a path, a query, a name of a field, a value, a token.
      await record('GET', `${base}/${secret}`)
      await record('GET', `${base}?q=${secret}&${secret}=1`)
      await record('GET', `${base}?cursor=${secret}`)
      await record('POST', base, { body: { [secret]: 1, name: 'x', source_type: secret } })
      await record('PATCH', path, {
        body: { allowed_origins: [secret], allowed_ips: [secret], expires_at: secret },
      })
      await record('PATCH', path, { body: { allowed_event_types: [secret] } })
      await record('POST', `${path}/rotate`, { body: { grace_period_hours: secret } })
      await record('DELETE', `${path}/secrets/${secret}`)
      await record('GET', base, { token: secret })
    }
    for (const token of [tokens[0].token, viewerToken]) {
      for (const read of [
        base,
        path,
        `${path}/usage`,
        '/api/v1/events/audit-log?limit=100',
        '/api/v1/openapi.json',
      ]) {
        await record('GET', read, { token })
      }
    }

    const shell = openShell({ WRITEKEY_STORE: url, WRITEKEY_ENVIRONMENT: 'test' })
    const printed: string[] = []
    for (const argv of [['list'], ['show', created.id], ['audit'], ['usage', created.id]]) {
      for (const more of [[], ['--json']]) {
        const { out, err } = await shell.run([...argv, ...more])
        printed.push(out, err)
      }
    }
    for (const secret of secrets) {
      for (const argv of [['check'], ['check', '--type', 'page', '--json']]) {
        const { out, err } = await shell.run(argv, secret)
        printed.push(out, err)
      }
    }
    await record('POST', `${path}/revoke`)
    await record('DELETE', path)
    note(keys, api)
    await keys.close()

    const files = readdirSync(folder).map((file) => readFileSync(join(folder, file)).toString('latin1'))
    expect(files.join('').length).toBeGreaterThan(10_000)
    for (const secret of secrets) {
      const places = (texts: string[]) =>
        texts.filter((text) => spellings(secret).some((one) => text.includes(one)))
      expect(places(answers)).toHaveLength(1)
      expect(places([...heard, ...printed, ...files])).toEqual([])
    }
    for (const { token } of tokens) {
      expect([...answers, ...heard, ...printed, ...files].filter((text) => text.includes(token))).toEqual([])
    }
  })
})
