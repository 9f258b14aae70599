import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'
import { generateSecret } from '../../src/keys/secret.ts'
import { root } from '../docs/code-blocks.ts'
import { blockWith } from '../docs/running-blocks.ts'
import { describeWithService } from '../services.ts'
import { replaced } from './deployed-app.ts'

const page = 'docs/recipes/keys-in-logs.md'
const key = generateSecret('sk_live_')

/** Runs a program of its own, because what it loads changes `node:http` for good. Gives what it prints. */
async function run(packages: string, names: readonly string[], code: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'traces-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  for (const name of names) {
    const link = join(folder, 'node_modules', name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(join(name === 'express' ? root : packages, 'node_modules', name), link)
  }
  const file = join(folder, 'app.mjs')
  writeFileSync(file, code)
  const { stdout } = await promisify(execFile)(process.execPath, [file], {
    env: { PATH: process.env.PATH, KEY: key },
  })
  return stdout
}

/** An app whose handler fails, and requests with a key in their path and query. The name of the parameter is nobody's. */
const failingApp = `
import { createRequire } from 'node:module'
import { connect } from 'node:net'
const require = createRequire(import.meta.url)
const express = require('express')
const app = express()
app.use((request) => { throw new Error('failed at ' + request.method) })
afterRoutes(app)
app.use((error, request, response, next) => response.status(500).end())
const server = app.listen(0, '127.0.0.1', async () => {
  const { KEY } = process.env
  for (const target of ['/v1/track?p=' + KEY, '/e/' + KEY, '/e/' + KEY + '/x?p=' + KEY]) {
    await new Promise((resolve) => {
      const socket = connect(server.address().port, '127.0.0.1').on('close', resolve).resume()
      socket.write('POST ' + target + ' HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\nContent-Length: 0\\r\\n\\r\\n')
    })
  }
  server.close()
  console.log(JSON.stringify(await collected()))
  process.exit()
})
`

describeWithService('recipes', 'the settings of docs/recipes/keys-in-logs.md', (packages) => {
  it('keep keys out of what Sentry sends', async () => {
    const { code } = blockWith(page, 'js', 'Sentry.init')
    const collecting = replaced(code, [
      'dsn: process.env.SENTRY_DSN,',
      "dsn: 'http://a@127.0.0.1/1', transport: collect, integrations: (all) => all.filter(({ name }) => name !== 'Dedupe'),",
    ])
    const sent = await run(
      packages,
      ['@sentry/node', '@sentry/core', 'express'],
      `
      import { createTransport } from '@sentry/core'
      const bodies = []
      const collect = (options) => createTransport(options, async ({ body }) => { bodies.push(String(body)); return {} })
      const afterRoutes = (app) => Sentry.setupExpressErrorHandler(app)
      const collected = async () => { await Sentry.flush(5000); return bodies }
      ${collecting}
      ${failingApp}`,
    )
    expect(sent).toContain('failed at POST')
    expect(sent).toContain('/e/[cut]/x')
    expect(sent).toContain('url.path')
    expect(sent).not.toContain(key.slice(8))
  })

  it("keep keys out of OpenTelemetry's spans", async () => {
    const { code } = blockWith(page, 'js', 'HttpInstrumentation')
    const names = [
      '@opentelemetry/instrumentation',
      '@opentelemetry/instrumentation-http',
      '@opentelemetry/sdk-trace-node',
      'express',
    ]
    const spans = await run(
      packages,
      names,
      `
      import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'
      const exporter = new InMemorySpanExporter()
      new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register()
      const afterRoutes = () => {}
      const collected = async () => exporter.getFinishedSpans().map(({ name, attributes }) => ({ name, attributes }))
      ${code}
      ${failingApp}`,
    )
    expect(spans).toContain('"url.path":"/e/[cut]/x"')
    expect(spans).not.toContain(key.slice(8))
  })
})
