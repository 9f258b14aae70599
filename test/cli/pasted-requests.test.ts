import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { writeKeyAuth } from '../../adapters/node.ts'
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
  `curl -u ${key}: -H 'X-Api-Key: ${key}' -H 'X-Api-Key: ${key}' -d '${event}' ${url}/v1/track`,
]

/** Commands of which more than the key matters. */
const details = (key: string, url: string) => [
  `curl -u ${key}: -H 'Sec-Fetch-Site: cross-site' -d '${event}' ${url}/v1/track`,
  `curl -u ${key}: -H 'Sec-Fetch-Site: none' -d '${event}' ${url}/v1/track`,
  `curl -u ${key}: -H 'Sec-Fetch-Site: cross-site' --referer https://evil.example/ -d '${event}' ${url}/v1/track`,
  `curl -u ${key}: -H 'Sec-Fetch-Site: cross-site' -e 'https://a.example/x;auto' -d '${event}' ${url}/v1/track`,
  `curl -u ${key}: -H 'Sec-Fetch-Site: same-origin' -e https://a.example/ -H 'Referer: https://evil.example/' ${url}/v1/track`,
  `curl -u ${key}: -H 'Sec-Fetch-Site: same-origin' -e https://a.example/ -H 'Referer:' ${url}/v1/track`,
  `curl -u ${key}: -H 'Sec-Fetch-Site: same-origin' -H 'Referer: https://a.example/' -H 'Referer: https://b.example/' ${url}/v1/track`,
  `curl -u ${key}: -H 'Origin;' -d '${event}' ${url}/v1/track`,
  `curl -u ${key}: -H 'Origin: https://a.example' -H 'Origin: https://a.example' -d '${event}' ${url}/v1/track`,
  `curl -u ${key}: -H 'Content-Encoding: gzip' -d '${event}' ${url}/v1/track`,
  `curl -u ${key}: -H 'Content-Encoding: zip' -d '${event}' ${url}/v1/track`,
  `curl -u ${key}: -H 'Content-Encoding: identity' -d '${event}' ${url}/v1/track`,
  `curl -u ${key}: -H 'Content-Encoding: zip' --data-binary @event.json ${url}/v1/track`,
  `curl -u ${key}: --path-as-is -d '${event}' ${url}/v1/../v1/track`,
  `curl -u ${key}: -d '${event}' ${url}/v1/./a/../../v1/track`,
  `curl -u ${key}: -d '${event}' ${url}/v1/track/..`,
  `curl -u ${key}: -d '${event}' '${url}/v1/%2e%2e/track'`,
  `curl -u ${key}: -d '${event}' '${url}/v1/../a\\b/track'`,
  `curl -u ${key}: -d '${event}' '${url}/v1/é/track'`,
  `curl -u ${key}: -d '${event}' '${url}/v1/track#/page?x'`,
  `curl -u ${key}: -d '${event}' ${url}/v1/trac\u212a`,
  `curl -u ${key}: -m 1 -H 'Content-Length: 999999999' -d '${event}' ${url}/v1/track`,
  `curl -u ${key}: --request-target /v1/identify/track -d '{}' ${url}/v1/track`,
  `curl -u ${key}: --request-target '/v1/track?a#b' -d '{}' ${url}/v1/page`,
  `curl -u ${key}: --request-target /v1/track -d '{}' ${url}/v1/page`,
  `curl ${url.replace('//', `//${key}%3A@`)}/v1/track -d '${event}'`,
  `curl ${url.replace('//', `//${key}:%70@`)}/v1/track -d '${event}'`,
  `curl -u x: ${url.replace('//', `//${key}:@`)}/v1/track -d '${event}'`,
  `curl -u ${key}: -H 'Authorization;' -d '${event}' ${url}/v1/track`,
  `curl -u ${key}: -H 'Authorization:' -H 'Authorization: Basic ${base64(`${key}:`)}' -d '${event}' ${url}/v1/track`,
  `curl -u ${key}: -d '{}' ${url}/v1/foo`,
  `curl -u ${key}: -d '{"event":"a"}' ${url}/v1/batch`,
  `curl -u ${key}: -d '{"batch":[${event},{"type":"page"}]}' ${url}/v1/batch`,
  `curl -u ${key}: -d '{"batch":[${event},${event}]}' ${url}/v1/batch`,
  `curl -u ${key}: -d '{"batch":[]}' ${url}/v1/batch`,
  `curl -u ${key}: -H 'Content-Length: 5' -d '${event}' ${url}/v1/track`,
  `curl -u ${key}: -H 'Content-Length:' -d '${event}' ${url}/v1/track`,
  `curl -u ${key}: -H 'Transfer-Encoding: chunked' -d '${event}' ${url}/v1/track`,
  `curl -u ${key}: -X GET -H 'Transfer-Encoding: chunked' ${url}/v1/track`,
]

type Options = Record<string, unknown> & { headers?: unknown }

/** Calls of `fetch` as people write them. */
function calls(key: string, url: string): string[] {
  const authorization = `Basic ${base64(`${key}:`)}`
  const post = (options: Options, path = '/v1/track') =>
    `fetch("${url}${path}", ${JSON.stringify({ method: 'POST', body: event, ...options }, null, 2)});`
  const good = { authorization }
  return [
    post({ headers: good }),
    post({ headers: [['authorization', authorization]] }),
    post({
      headers: [
        ['authorization', authorization],
        ['Authorization', authorization],
      ],
    }),
    post({ headers: {} }).replace('{}', `new Headers(${JSON.stringify(good)})`),
    post({ headers: {} }).replace('{}', `new Headers(${JSON.stringify([['Authorization', authorization]])})`),
    post({ headers: { ...good, 'sec-fetch-site': 'cross-site' } }),
    post({ headers: { ...good, origin: ' https://a.example ' } }),
    post({ headers: { ...good, 'content-encoding': 'gzip' } }),
    post({ headers: good }, '/v1/page/../track'),
    post({ headers: good }, '/v1/page/%2e%2e/track'),
    post({ headers: good }, '/v1\\\\track'),
    post({ headers: good }, '/v1/page#/track'),
    post({ headers: good, body: '{}' }, '/v1/foo'),
    post({ headers: good, method: 'post', body: '{"type":"page"}' }),
    `fetch("${url}/v1/track", ${JSON.stringify({ method: 'get', headers: good })})`,
  ]
}

/** Requests as logs and tools show them. */
function messages(key: string): string[] {
  const message = (line: string, fields: readonly string[] = [], body = event) =>
    [
      line,
      'Host: a.example',
      `Authorization: Basic ${base64(`${key}:`)}`,
      ...fields,
      ...(fields.some((field) => /^(?:content-length|transfer)/i.test(field))
        ? []
        : [`Content-Length: ${Buffer.byteLength(body)}`]),
      '',
      body,
    ].join('\r\n')
  const post = 'POST /v1/track HTTP/1.1'
  return [
    message(post),
    message('POST /v1/../track HTTP/1.1'),
    message('POST /v1/%2E/track HTTP/1.1'),
    message('POST /v1/track#/page HTTP/1.1'),
    message('POST /v1/track?a#b HTTP/1.1'),
    message('POST /v1/identify/track HTTP/1.1'),
    message('POST http://x HTTP/1.1'),
    message('POST ftp://x/v1/track HTTP/1.1'),
    message('POST https://u:p@x/v1/track HTTP/1.1'),
    message(post, ['Content-Length: 999999999']),
    message('POST http://x/v1/track HTTP/1.1'),
    message('POST http://x/v1/page HTTP/1.1'),
    message('POST /v1//track HTTP/1.1'),
    message('POST /v1/track;a HTTP/1.1'),
    message('GET /v1/track HTTP/1.1'),
    message('GET /v1/track HTTP/1.1', ['Content-Length: 0'], ''),
    message(post, ['Content-Length: 0'], ''),
    message(post, ['Content-Length: 5']),
    message(post, ['Sec-Fetch-Site: cross-site']),
    message(post, ['Sec-Fetch-Site: cross-site', 'Referer: https://a.example/b']),
    message(post, ['Sec-Fetch-Site: cross-site', 'Referer: https://evil.example/b']),
    message(post, ['Content-Encoding: gzip']),
    message(post, ['Content-Encoding: zip']),
    message(post, [], '{"event":"Grüße"}'),
    message('POST /v1/foo HTTP/1.1', [], '{}'),
    message('POST /v1/batch HTTP/1.1', [], '[{"type":"track"},{"type":"page"}]'),
  ]
}

const places: [string, CredentialSource[] | undefined][] = [
  ['', undefined],
  [
    'basic,bearer,query,body,header:X-Api-Key,path:/e/:key',
    ['basic', 'bearer', 'query', 'body', { header: 'X-Api-Key' }, { path: '/e/:key' }],
  ],
]

/** A server that tells of each request why it is refused; `null`: it is not. */
async function listen(store: string, credentials: CredentialSource[] | undefined) {
  const reasons: (string | null)[][] = []
  const keys = createWriteKeys({
    store: createSqlStore({ url: store }),
    logger: false,
    onEvent(told) {
      if (told.type === 'refused') reasons.at(-1)?.push(told.reason)
      if (told.type === 'accepted') reasons.at(-1)?.push(null)
    },
    ...(credentials !== undefined && { credentials }),
  })
  const auth = writeKeyAuth(keys)
  const server = createServer((request, response) => {
    if (request.url === '/next') {
      reasons.push([])
      response.end()
    } else auth(request, response, () => response.end())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  return {
    url,
    /** Runs the commands, and tells of the requests of each. */
    async reasonsOf(lines: readonly string[], cwd: string) {
      const quiet = 'curl() { command curl -sS -o /dev/null "$@"; }'
      const script = [quiet, ...lines.flatMap((line) => [`curl ${url}/next`, line])].join('\n')
      await run('bash', ['-c', script], { cwd })
      return reasons
    },
    async reasonsOfCalls(texts: readonly string[]) {
      for (const text of texts) {
        reasons.push([])
        await new Function(`return ${text}`)()
      }
      return reasons
    },
    async reasonsOfMessages(texts: readonly string[]) {
      for (const text of texts) {
        reasons.push([])
        const socket = connect(port, '127.0.0.1').on('error', () => {})
        socket.write(text)
        await once(socket, 'data')
        socket.destroy()
      }
      return reasons
    },
    async close() {
      server.close()
      server.closeAllConnections()
      await keys.close()
    },
  }
}

const create = [
  'create',
  '--name=Web',
  '--source-type=web',
  '--allowed-origins=https://a.example',
  '--allowed-event-types=track',
]

/** Checks each text, and compares with what the server said: the first refusal of its requests. */
async function compare(
  { run }: ReturnType<typeof openShell>,
  key: string,
  texts: readonly string[],
  reasons: (string | null)[][],
) {
  const told: unknown[] = []
  const expected: unknown[] = []
  for (const [index, text] of texts.entries()) {
    const reason = reasons[index]?.find((one) => one !== null) ?? null
    const { code, out } = await run(['check', '--json'], text)
    const finding = JSON.parse(out)
    const shown = text.replaceAll(key, 'KEY')
    expect(reasons[index], shown).not.toEqual([])
    expected.push([shown, reason, reason === null ? 0 : expect.any(Number)])
    told.push([shown, finding.reason, code])
    expect(code === 0).toBe(finding.accepted)
    expect(out).not.toContain(key)
  }
  expect(told).toEqual(expected)
}

describe('writekey check of requests', () => {
  for (const [text, credentials, lines] of [
    ...places.map((place) => [...place, commands] as const),
    ['', undefined, details] as const,
  ])
    it(`says what a server says to ${lines.name} of curl, with keys read from ${text || 'Basic'}`, async () => {
      const shell = openShell(text === '' ? {} : { WRITEKEY_CREDENTIALS: text })
      const { key } = await shell.runJson(create)
      const server = await listen(shell.store, credentials)
      writeFileSync(join(shell.folder, 'event.json'), event)
      const texts = lines(key, server.url)
      const reasons = await server.reasonsOf(texts, shell.folder)
      await server.close()
      await compare(shell, key, texts, reasons)
    })

  it('says what a server says to fetch itself', async () => {
    const shell = openShell()
    const { key } = await shell.runJson(create)
    const server = await listen(shell.store, undefined)
    const texts = calls(key, server.url)
    const reasons = await server.reasonsOfCalls(texts)
    await server.close()
    await compare(shell, key, texts, reasons)
  })

  it('says what a server says to the request of a log', async () => {
    const shell = openShell()
    const { key } = await shell.runJson(create)
    const server = await listen(shell.store, undefined)
    const texts = messages(key)
    const reasons = await server.reasonsOfMessages(texts)
    await server.close()
    await compare(shell, key, texts, reasons)
  })
})
