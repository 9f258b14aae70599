import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { build } from 'vite'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { root } from '../docs/code-blocks.ts'
import { blockWith } from '../docs/running-blocks.ts'
import { type DeployedApp, deployApp, fileOf } from '../recipes/deployed-app.ts'
import { describeWithService } from '../services.ts'
import { usePostgresDatabase } from '../stores/sql/databases.ts'

const page = 'docs/recipes/lambda.md'
const files = ['express-serverless-http', 'express-codegenie', 'hono-lambda']

/** Runs a module's `handler` as Lambda does: one event at a time, and frozen from its answer until the next. */
const runtime = `
const { handler } = await import(process.argv[2])
process.on('message', async (event) => {
  process.send(await handler(event, { awsRequestId: '1' }).catch((error) => ({ error: String(error?.stack ?? error) })))
})
process.send('ready')
`

interface Answer {
  statusCode: number
  body: string
  isBase64Encoded?: boolean
  error?: string
}

describeWithService('postgres', 'the recipe for Lambda', (address) => {
  const database = usePostgresDatabase(address)
  let app: DeployedApp
  let watcher: pg.Client
  const sh = (line: string) => app.sh(line, { DATABASE_URL: database.url })
  beforeAll(async () => {
    app = await deployApp()
    const { devDependencies } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))
    const packages = ['serverless-http', '@codegenie/serverless-express', 'hono']
      .filter((name) => devDependencies[name] !== undefined)
      .map((name) => `${name}@${devDependencies[name]}`)
    await sh(`npm install ${packages.join(' ')} --no-audit --no-fund --prefer-offline`)
    await sh(blockWith(page, 'sh', 'writekey migrate').code.split('\n')[0] as string)
    for (const name of ['keys', ...files])
      writeFileSync(join(app.folder, `${name}.mjs`), fileOf(page, `${name}.mjs`))
    writeFileSync(join(app.folder, 'runtime.mjs'), runtime)
    watcher = new pg.Client({ connectionString: database.url })
    watcher.on('error', () => {})
    await watcher.connect()
  }, 180_000)
  afterAll(async () => {
    await watcher.end()
    await app.remove()
  })

  const create = async (options = '') =>
    JSON.parse(
      await sh(
        `npx writekey create --store "$DATABASE_URL" --json --name Web --source-type server ${options}`,
      ),
    ) as { id: string; key: string }
  const connections = async () => {
    const { rows } = await watcher.query(
      'select count(*)::int as count from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    )
    return rows[0].count as number
  }

  async function startFunction(file: string) {
    const child = fork(join(app.folder, 'runtime.mjs'), [join(app.folder, file)], {
      cwd: app.folder,
      env: { ...process.env, DATABASE_URL: database.url },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    let printed = ''
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data) => (printed += data))
    onTestFinished(async () => {
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    })
    await once(child, 'message')
    child.kill('SIGSTOP')
    return {
      printed: () => printed,
      async call(key: string, headers: Record<string, string> = {}) {
        child.kill('SIGCONT')
        const answered = once(child, 'message')
        child.send(toEvent(key, headers))
        const [answer] = (await answered) as [Answer]
        child.kill('SIGSTOP')
        if (answer.error !== undefined) throw new Error(`${answer.error}\n${printed}`)
        const text =
          answer.isBase64Encoded === true ? Buffer.from(answer.body, 'base64').toString() : answer.body
        return { status: answer.statusCode, body: JSON.parse(text) as Record<string, unknown> }
      },
    }
  }

  describe.each(files)('%s.mjs', (file) => {
    it.each(['as it is', 'bundled'])(
      '%s, stores counts before it is frozen, over one connection',
      async (how) => {
        const { id, key } = await create()
        const { call, printed } = await startFunction(
          how === 'bundled' ? await bundle(app.folder, file) : `${file}.mjs`,
        )
        for (let count = 0; count < 3; count++) expect((await call(key)).status).toBe(200)
        expect((await call(key, { origin: 'null', 'x-forwarded-for': '198.51.100.7' })).status).toBe(200)
        // The command's own connection may still be ending.
        await expect.poll(connections, { timeout: 5_000 }).toBe(1)
        const usage = await sh(`npx writekey usage ${id} --store "$DATABASE_URL" --json`)
        expect(JSON.parse(usage).accepted).toEqual({ track: 4 })
        expect(printed()).toBe('')
      },
    )

    it('goes by the address that AWS names, whatever the sender says', async () => {
      const [here, there] = [
        await create('--allowed-ips 203.0.113.0/24'),
        await create('--allowed-ips 198.51.100.0/24'),
      ]
      const { call } = await startFunction(`${file}.mjs`)
      const forged = { 'x-forwarded-for': '198.51.100.7' }
      expect(await call(here.key, forged)).toMatchObject({ status: 200, body: { ip: '203.0.113.9' } })
      expect(await call(there.key, forged)).toMatchObject({ status: 403, body: { code: 'ip_not_allowed' } })
    })

    it('has woken up with a lease that is over: what was revoked meanwhile is refused', async () => {
      const { id, key } = await create()
      const { call } = await startFunction(`${file}.mjs`)
      expect((await call(key)).status).toBe(200)
      await sh(`npx writekey revoke ${id} --yes --store "$DATABASE_URL"`)
      expect((await call(key)).status).toBe(401)
    })

    it('has woken up with a connection that has died: the request is answered all the same', async () => {
      const { key } = await create()
      const { call } = await startFunction(`${file}.mjs`)
      expect((await call(key)).status).toBe(200)
      await watcher.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
      )
      expect((await call(key)).status).toBe(200)
    })
  })
})

/** One file with everything in it, drivers too. */
async function bundle(folder: string, file: string): Promise<string> {
  await build({
    root: folder,
    configFile: false,
    logLevel: 'silent',
    ssr: { noExternal: true, external: ['pg-native'] },
    build: {
      ssr: join(folder, `${file}.mjs`),
      outDir: join(folder, `bundled-${file}`),
      target: 'node20',
      rolldownOptions: { output: { entryFileNames: 'index.mjs', codeSplitting: false } },
    },
  })
  return join(`bundled-${file}`, 'index.mjs')
}

/** What an HTTP API hands to a function, format 2.0. */
function toEvent(key: string, headers: Record<string, string>): object {
  const path = '/v1/track'
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: '',
    headers: {
      host: 'events.example',
      'content-type': 'application/json',
      authorization: `Basic ${btoa(`${key}:`)}`,
      ...headers,
    },
    requestContext: {
      http: { method: 'POST', path, protocol: 'HTTP/1.1', sourceIp: '203.0.113.9' },
      domainName: 'events.example',
      stage: '$default',
    },
    body: Buffer.from('{"event":"Signed Up"}').toString('base64'),
    isBase64Encoded: true,
  }
}
