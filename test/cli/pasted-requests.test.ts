import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { type CredentialSource, createWriteKeys } from '../../src/index.ts'
import { createSqlStore } from '../../src/stores/sql/index.ts'
import { openShell } from './shell.ts'

const run = promisify(execFile)
const base64 = (text: string) => Buffer.from(text).toString('base64')
const event = '{"type":"track","event":"Signed Up"}'

/** Commands as people write them, for `URL` and `KEY`. */
const commands = (key: string, url: string) => [
  `curl -u ${key}: ${url}/v1/track`,
  `curl -u${key}: ${url}/v1/track -d '${event}'`,
  `curl -su "${key}:" ${url}/v1/track --json '${event}'`,
  `curl -u :${key} ${url}/v1/track`,
  `curl -u ${key}:pw ${url}/v1/track`,
  `curl --user ${key}: --digest ${url}/v1/track`,
  `curl --oauth2-bearer ${key} ${url}/v1/track`,
  `curl -H 'Authorization: Basic ${base64(`${key}:`)}' ${url}/v1/track`,
  `curl -H"Authorization: basic ${base64(`${key}:`)}" ${url}/v1/track`,
  `curl --header $'Authorization: Basic ${base64(`${key}:`)}' ${url}/v1/track`,
  `curl -H 'Authorization: Basic ${base64(`${key}:pw`)}' ${url}/v1/track`,
  `curl -H 'Authorization: Basic ${base64(key)}' ${url}/v1/track`,
  `curl -H 'Authorization: Basic ${key}:' ${url}/v1/track`,
  `curl -H 'Authorization: Token ${key}' ${url}/v1/track`,
  `curl -H 'Authorization: ${key}' ${url}/v1/track`,
  `curl -H 'Authorization: Bearer ${key}' ${url}/v1/track`,
  `curl -u ${key}: -H 'Authorization: Bearer x' ${url}/v1/track`,
  `curl -u ${key}: -H 'Authorization:' ${url}/v1/track`,
  `curl -u ${key}: -H "Authorization: Basic ${base64(`${key}:`)}" -H "Authorization: Basic ${base64(`${key}:`)}" ${url}/v1/track`,
  `curl -H 'X-Write-Key: ${key}' ${url}/v1/track`,
  `curl -H 'X-Api-Key: ${key}' -H 'Accept: application/json' ${url}/v1/track`,
  `curl -H 'Cookie: k=${key}' ${url}/v1/track`,
  `curl -H '__proto__: ${key}' ${url}/v1/track`,
  `curl -b 'k=${key}' ${url}/v1/track`,
  `curl ${url}/e/${key}`,
  `curl -X POST ${url}/e/${key}`,
  `curl -d '${event}' ${url}/e/${key}`,
  `curl '${url}/v1/track?a=1&writeKey=${key}'`,
  `curl ${url}/v1/track?a=1\\&writeKey=${key}`,
  `curl --url '${url}/v1/track' --url-query 'writeKey=${key}'`,
  `curl -G ${url}/v1/track -d writeKey=${key} --data-urlencode 'a=b c'`,
  `curl ${url}/v1/track -d 'writeKey=${key}'`,
  `curl ${url}/v1/track -d '{"writeKey":"${key}","event":"a"}'`,
  `curl ${url}/v1/track --data-raw $'{"writeKey":"${key}","event":"it\\'s"}'`,
  `curl ${url.replace('//', `//${key}:@`)}/v1/track`,
  `curl ${url.replace('//', `//${key}@`)}/v1/track`,
  `curl \\\n  -X POST \\\n  -u '${key}:' \\\n  --data-binary '${event}' \\\n  "${url}/v1/track"`,
  `curl -X POST -u ${key}: ${url}/v1/track`,
  `curl -X GET -u ${key}: ${url}/v1/track -d '${event}'`,
  `curl -u ${key}: ${url}/v1/track -d 'no json'`,
  `curl -u ${key}: ${url}/v1/a/../page -d '${event}'`,
  `curl -u ${key}: ${url}/v1/page -d '{"type":"page"}'`,
  `curl -u ${key}: ${url}/v1/track -d @event.json`,
  `curl -I -u ${key}: ${url}/v1/track`,
  `curl ${url}/v1/track -F writeKey=${key}`,
  `curl -u ${key}: ${url}/v1/track ${url}/v1/check # and again`,
  `curl -u ${key}: ${url}/v1/track --next ${url}/v1/check`,
  `curl -u ${key}: -H 'Origin: https://evil.example' ${url}/v1/track`,
  `curl -u ${key}: -A 'my "app"' -e https://a.example -m 5 --connect-timeout 2 -o /dev/null ${url}/v1/track > /dev/null 2>&1`,
]

const places: [string, CredentialSource[] | undefined][] = [
  ['', undefined],
  [
    'basic,bearer,query,body,header:X-Api-Key,path:/e/:key',
    ['basic', 'bearer', 'query', 'body', { header: 'X-Api-Key' }, { path: '/e/:key' }],
  ],
]

/** A server that tells of each request why it is refused; `null`: it is not. */
async function listen(store: string, credentials: CredentialSource[] | undefined) {
  const keys = createWriteKeys({
    store: createSqlStore({ url: store }),
    logger: false,
    ...(credentials !== undefined && { credentials }),
  })
  const reasons: (string | null)[][] = []
  const server = createServer((request, response) => {
    if (request.url === '/next') {
      reasons.push([])
      response.end()
      return
    }
    const chunks: Uint8Array[] = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', async () => {
      const [path = '', query = ''] = (request.url ?? '').split('?')
      const verdict = await keys.verify({
        method: request.method ?? '',
        path,
        query,
        headers: request.headersDistinct,
        ...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
      })
      reasons.at(-1)?.push(verdict.ok ? null : verdict.reason)
      response.writeHead(verdict.ok ? 200 : verdict.reply.status).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    /** Runs the commands, and tells of the requests of each. */
    async reasonsOf(lines: readonly string[], cwd: string) {
      const quiet = 'curl() { command curl -sS -o /dev/null "$@"; }'
      const script = [quiet, ...lines.flatMap((line) => [`curl ${url}/next`, line])].join('\n')
      await run('bash', ['-c', script], { cwd })
      return reasons
    },
    async close() {
      server.close()
      await keys.close()
    },
  }
}

describe('writekey check of curl commands', () => {
  for (const [text, credentials] of places)
    it(`says what a server says to curl itself, with keys read from ${text || 'Basic'}`, async () => {
      const env: Record<string, string> = text === '' ? {} : { WRITEKEY_CREDENTIALS: text }
      const shell = openShell(env)
      const { key } = await shell.runJson([
        'create',
        '--name=Web',
        '--source-type=web',
        '--allowed-origins=https://a.example',
        '--allowed-event-types=track',
      ])
      const server = await listen(shell.store, credentials)
      const told: unknown[] = []
      const expected: unknown[] = []
      writeFileSync(join(shell.folder, 'event.json'), event)
      const lines = commands(key, server.url)
      const reasons = await server.reasonsOf(lines, shell.folder)
      for (const [index, command] of lines.entries()) {
        const reason = reasons[index]?.find((one) => one !== null) ?? null
        const { code, out } = await shell.run(['check', '--json'], command)
        const finding = JSON.parse(out)
        const shown = command.replaceAll(key, 'KEY')
        expected.push([shown, reason, reason === null ? 0 : expect.any(Number)])
        told.push([shown, finding.reason, code])
        expect(code === 0).toBe(finding.accepted)
        expect(out).not.toContain(key)
      }
      await server.close()
      expect(told).toEqual(expected)
    })
})
