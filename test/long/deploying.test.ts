import { readFileSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { blockWith } from '../docs/running-blocks.ts'
import { freePort } from '../free-port.ts'
import {
  answerOf,
  type DeployedApp,
  deployApp,
  fileOf,
  loadRecipePackage,
  replaced,
  type Started,
} from '../recipes/deployed-app.ts'
import { describeWithService } from '../services.ts'
import { usePostgresDatabase } from '../stores/sql/databases.ts'
import { findProgram } from '../stores/sql/servers/own-server.ts'
import { writeNginxConfig } from './nginx-config.ts'

/** The recipes for running our server, each done as its reader would, with the files of its page. */
describeWithService('postgres', 'the recipes for deploying', (address) => {
  const { address: redis } = inject('services').redis
  const database = usePostgresDatabase(address)
  const page = (name: string) => `docs/recipes/${name}.md`
  let app: DeployedApp
  let env: Record<string, string>
  let key: string

  beforeAll(async () => {
    app = await deployApp()
    env = { DATABASE_URL: database.url, REDIS_URL: redis, TRUSTED_PROXIES: '1' }
    const steps = blockWith(page('deploying'), 'sh', 'writekey migrate').code.trim().split('\n')
    expect(steps).toHaveLength(3)
    await app.sh(steps[0] as string, env)
    key = /sk_live_\w+/.exec(await app.sh(steps[1] as string, env))?.[0] as string
    expect(steps[2]).toBe('node server.mjs')
  }, 120_000)
  afterAll(() => app.remove())

  const ended = (started: Started, signal: NodeJS.Signals = 'SIGKILL') => {
    onTestFinished(async () => void (await started.end(signal)))
    return started
  }
  const startServer = (port: number) =>
    ended(app.start('node', ['server.mjs'], { ...env, PORT: String(port) }))

  function send(url: string, event: object = { event: 'Order Paid' }, headers: Record<string, string> = {}) {
    return fetch(`${url}/v1/track`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${key}:`)}`, 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ userId: '42', ...event }),
    })
  }

  /** Sends until a deployment is done, and tells the statuses there were. */
  async function statusesDuring(url: string, deploy: () => Promise<unknown>): Promise<Set<number>> {
    const statuses = new Set<number>()
    let isDone = false
    const sender = async () => {
      while (!isDone) statuses.add((await send(url)).status)
    }
    const senders = [sender(), sender(), sender()]
    await deploy().finally(() => {
      isDone = true
    })
    await Promise.all(senders)
    return statuses
  }

  /** A POST whose body is sent later, by `finish`. */
  function sendSlowly(port: number) {
    const body = JSON.stringify({ userId: '42', event: 'Slow' })
    const outgoing = request({
      host: '127.0.0.1',
      port,
      method: 'POST',
      path: '/v1/track',
      headers: { authorization: `Basic ${btoa(`${key}:`)}`, 'content-length': body.length },
    })
    const status = new Promise<number | undefined>((resolve, reject) => {
      outgoing.on('response', (response) => resolve(response.resume().statusCode))
      outgoing.on('error', reject)
    })
    status.catch(() => {})
    const connected = new Promise((resolve) =>
      outgoing.on('socket', (socket) => socket.on('connect', resolve)),
    )
    outgoing.flushHeaders()
    return { status, connected, finish: () => outgoing.end(body) }
  }

  /** A request is under way when the signal comes: it is answered, and the process ends by itself. */
  async function endInOrder(port: number, end: () => Promise<unknown>): Promise<unknown> {
    const slow = sendSlowly(port)
    await slow.connected
    // Connections are accepted in their order.
    await send(`http://127.0.0.1:${port}`, {}, { connection: 'close' })
    const ending = end()
    slow.finish()
    expect(await slow.status).toBe(200)
    return ending
  }

  it('server.mjs answers probes, counts, and ends in good order', async () => {
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const server = startServer(port)
    expect(await (await answerOf(`${url}/readyz`)).json()).toMatchObject({ ok: true, store: true })
    expect((await send(url)).status).toBe(200)
    expect(await (await fetch(`${url}/metrics`)).text()).toContain(
      'writekey_requests_total{outcome="accepted"} 1',
    )
    expect(await endInOrder(port, () => server.end())).toBe(0)
    expect(server.printed()).toContain('Order Paid')
    expect(server.printed()).not.toContain(key)
    const usage = await app.sh('npx writekey list --json --store "$DATABASE_URL"', env)
    expect(JSON.parse(usage).data[0].events_24h).toBe(3)
  })

  it.each([
    ['not set', {}, true],
    ['0', { TRUSTED_PROXIES: '0' }, false],
  ])(
    'with TRUSTED_PROXIES %s, server.mjs says or does not say that it may be wrong behind a proxy',
    async (_, set, isTold) => {
      const port = await freePort()
      const { TRUSTED_PROXIES: __, ...rest } = env
      const server = ended(app.start('node', ['server.mjs'], { ...rest, ...set, PORT: String(port) }))
      const url = `http://127.0.0.1:${port}`
      await answerOf(`${url}/readyz`)
      for (let count = 0; count < 2; count++)
        expect((await send(url, {}, { 'x-forwarded-for': '203.0.113.7' })).status).toBe(200)
      await server.end()
      expect(server.printed().split('trustedProxies is not set')).toHaveLength(isTold ? 2 : 1)
    },
  )

  it('server.mjs serves without Redis, and ends with the reason without a database', async () => {
    const port = await freePort()
    const nowhere = await freePort()
    const options = { ...env, PORT: String(port) }
    const alone = ended(
      app.start('node', ['server.mjs'], { ...options, REDIS_URL: `redis://127.0.0.1:${nowhere}` }),
    )
    const url = `http://127.0.0.1:${port}`
    await answerOf(`${url}/readyz`)
    expect((await send(url)).status).toBe(200)
    expect(await (await fetch(`${url}/readyz`)).json()).toMatchObject({ ok: true, store: true, hints: false })
    expect(await alone.end()).toBe(0)
    const without = ended(
      app.start('node', ['server.mjs'], { ...options, DATABASE_URL: `postgres://127.0.0.1:${nowhere}/x` }),
    )
    expect(await new Promise((resolve) => without.child.once('exit', resolve))).toBe(1)
    expect(without.printed()).toMatch(/ECONNREFUSED/)
  })

  describe('behind a proxy', () => {
    const ports: number[] = []
    const servers: Started[] = []
    beforeAll(async () => {
      ports.push(await freePort(), await freePort())
      for (const port of ports)
        servers.push(app.start('node', ['server.mjs'], { ...env, PORT: String(port) }))
      for (const port of ports) await answerOf(`http://127.0.0.1:${port}/readyz`)
    })
    afterAll(async () => {
      for (const server of servers) await server.end('SIGKILL')
    })

    const proxies = [
      {
        service: 'nginx' as const,
        write: (from: number, folder: string) => writeNginxConfig(folder, from, ports),
        log: (_: Started, folder: string) => readFileSync(join(folder, 'ingest.log'), 'utf8'),
      },
      {
        service: 'haproxy' as const,
        write(from: number, folder: string) {
          const settings = replaced(
            fileOf(page('proxies'), 'haproxy.cfg'),
            ['127.0.0.1:3001', `127.0.0.1:${ports[0]}`],
            ['127.0.0.1:3002', `127.0.0.1:${ports[1]}`],
            ['bind :80', `bind 127.0.0.1:${from}`],
          )
          const file = join(folder, 'haproxy.cfg')
          writeFileSync(file, settings)
          return ['-db', '-f', file]
        },
        log: (proxy: Started) => proxy.printed(),
      },
    ]
    for (const { service, write, log } of proxies) {
      describeWithService(service, service, (program) => {
        it('passes bodies on as they come, tells senders by the address that it adds, and hides keys', async () => {
          const folder = join(app.folder, service)
          await mkdir(folder)
          const from = await freePort()
          const proxy = ended(app.start(program, write(from, folder)), 'SIGTERM')
          const url = `http://127.0.0.1:${from}`
          await answerOf(url, (status) => status === 404)
          // Who says to be elsewhere is not.
          const made = await app.sh(
            `npx writekey create --json --store "$DATABASE_URL" --name Local --source-type server --allowed-ips 127.0.0.1`,
            env,
          )
          const { key: local } = JSON.parse(made)
          const spoofed = { 'x-forwarded-for': '203.0.113.7', authorization: `Basic ${btoa(`${local}:`)}` }
          const answers = await Promise.all(Array.from({ length: 8 }, () => send(url, {}, spoofed)))
          expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200))
          for (const path of ['/metrics', '/readyz', '/v2/track'])
            expect((await fetch(url + path)).status).toBe(404)
          // A refusal does not wait for the body.
          const slow = sendSlowly(from)
          const refused = request({
            port: from,
            method: 'POST',
            path: `/v1/track?writeKey=${key}`,
            headers: { authorization: 'Basic eDo=', 'content-length': 1_000_000 },
          })
          refused.on('error', () => {})
          const status = new Promise((resolve) =>
            refused.on('response', (response) => resolve(response.statusCode)),
          )
          refused.write('{')
          expect(await status).toBe(401)
          refused.destroy()
          slow.finish()
          expect(await slow.status).toBe(200)
          await expect.poll(() => log(proxy, folder)).toContain('POST /v1/track" 401')
          expect(log(proxy, folder)).not.toContain(key)
          expect(log(proxy, folder)).not.toContain(btoa(`${key}:`))
          // One process ends: nobody notices.
          servers[0]?.child.kill('SIGTERM')
          const statuses: number[] = []
          while (servers[0]?.child.exitCode === null) statuses.push((await send(url)).status)
          for (let count = 0; count < 20; count++) statuses.push((await send(url)).status)
          expect(new Set(statuses)).toEqual(new Set([200]))
          servers[0] = app.start('node', ['server.mjs'], { ...env, PORT: String(ports[0]) })
          await answerOf(`http://127.0.0.1:${ports[0]}/readyz`)
        })

        it('has a process to send to while the recipe for systemd restarts one after the other', async () => {
          const folder = join(app.folder, `${service}-deploy`)
          await mkdir(folder)
          const from = await freePort()
          ended(app.start(program, write(from, folder)), 'SIGTERM')
          const url = `http://127.0.0.1:${from}`
          await answerOf(url, (status) => status === 404)
          const steps = blockWith(page('supervisors'), 'sh', 'systemctl restart').code.trim().split('\n')
          const restarted: number[] = []
          async function run(step: string): Promise<void> {
            const [, port] = /^systemctl restart writekey-ingest@(3001|3002)$/.exec(step) ?? []
            if (port === undefined) {
              await app.sh(step.replace(':3001', `:${ports[0]}`), env)
              return
            }
            const index = Number(port) - 3001
            await servers[index]?.end()
            servers[index] = app.start('node', ['server.mjs'], { ...env, PORT: String(ports[index]) })
            restarted.push(index)
          }
          const statuses = await statusesDuring(url, async () => {
            for (const step of steps) await run(step)
          })
          expect(restarted).toEqual([0, 1])
          expect(statuses).toEqual(new Set([200]))
          await answerOf(`http://127.0.0.1:${ports[1]}/readyz`)
        })
      })
    }
  })

  it('the Dockerfile is well formed, and its steps make what its command starts', async () => {
    const dockerfile = fileOf(page('containers'), 'Dockerfile')
    const validate = loadRecipePackage<{ validate(text: string): { message: string }[] }>('dockerfile-utils')
    expect(validate?.validate(dockerfile) ?? []).toEqual([])
    const image = join(app.folder, 'image')
    await mkdir(image)
    const port = await freePort()
    const variables: Record<string, string> = { ...env, PORT: String(port), HOST: '127.0.0.1' }
    for (const [, name, rest = ''] of dockerfile.matchAll(/^([A-Z]+) (.*)$/gm)) {
      if (name === 'COPY') await app.sh(`cp ${rest.replace(/\.\/$/, 'image/')}`)
      if (name === 'RUN') await app.sh(`cd image && ${rest}`, { NODE_ENV: 'production' })
    }
    const listOf = (name: string) =>
      JSON.parse(new RegExp(`^${name} .*?(\\[.*\\])$`, 'm').exec(dockerfile)?.[1] as string)
    const [program, ...args] = listOf('CMD') as [string, ...string[]]
    const server = ended(app.start('env', ['-C', image, program, ...args], variables))
    await answerOf(`http://127.0.0.1:${port}/readyz`)
    const check = JSON.parse(/HEALTHCHECK .* CMD (\[.*\])/.exec(dockerfile)?.[1] as string) as string[]
    const ask = (text: string) => app.sh(`node -e "${text.replace(':3000', `:${port}`)}"`)
    await ask(check[2] as string)
    expect((await send(`http://127.0.0.1:${port}`)).status).toBe(200)
    await server.end('SIGKILL')
    await expect(ask(check[2] as string)).rejects.toThrow()
  })

  it('the compose file names what is there, and its commands run', async () => {
    const { services, volumes } = parse(fileOf(page('containers'), 'compose.yaml'))
    for (const service of Object.values<Record<string, never>>(services)) {
      for (const needed of [service.depends_on ?? []].flatMap((named) =>
        Array.isArray(named) ? named : Object.keys(named),
      ))
        expect(services).toHaveProperty(needed as string)
    }
    const url = services.ingest.environment.DATABASE_URL
    expect(services.migrate.command).toContain(url)
    expect(url).toContain(`:${services.postgres.environment.POSTGRES_PASSWORD}@postgres:5432/`)
    expect(services.ingest.environment.REDIS_URL).toBe('redis://redis:6379')
    expect(services.postgres.volumes[0].split(':')[0]).toBe(Object.keys(volumes)[0])
    expect(Object.keys(services.ingest.environment).sort()).toEqual(Object.keys(env).sort())
    const command = services.migrate.command.map((part: string) => (part === url ? database.url : part))
    expect(await app.sh(command.join(' '))).toContain('up to date')
  })

  it('the systemd unit is valid, and starts and ends the server', async () => {
    const unit = fileOf(page('supervisors'), '/etc/systemd/system/writekey-ingest@.service')
    const port = await freePort()
    const file = join(app.folder, 'writekey-ingest@.service')
    writeFileSync(
      file,
      replaced(
        unit,
        ['User=writekey', 'User=daemon'],
        ['/srv/ingest', app.folder],
        ['/usr/bin/node', process.execPath],
        ['/etc/writekey-ingest.env', join(app.folder, 'ingest.env')],
      ),
    )
    if (findProgram(['/usr/bin/systemd-analyze']) !== undefined)
      expect(
        await app.sh('systemd-analyze verify --man=no ./writekey-ingest@3001.service 2>&1 || true'),
      ).toBe('')
    const settings = Object.fromEntries(
      [...unit.matchAll(/^(\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]),
    )
    const own = Object.fromEntries(
      settings.Environment.replace('%i', String(port))
        .split(' ')
        .map((pair: string) => pair.split('=')),
    )
    const [program, ...args] = settings.ExecStart.split(' ')
    expect(program).toBe('/usr/bin/node')
    const server = ended(app.start(process.execPath, args, { ...env, ...own }))
    await answerOf(`http://127.0.0.1:${port}/readyz`)
    const began = performance.now()
    expect(await endInOrder(port, () => server.end())).toBe(0)
    expect(performance.now() - began).toBeLessThan(Number(settings.TimeoutStopSec) * 1_000)
  })

  it('node:cluster shares a port, adds metrics up, and ends in good order', async () => {
    writeFileSync(join(app.folder, 'cluster.mjs'), fileOf(page('supervisors'), 'cluster.mjs'))
    const [port, metrics] = [await freePort(), await freePort()]
    const server = ended(
      app.start('node', ['cluster.mjs'], { ...env, PORT: String(port), METRICS_PORT: String(metrics) }),
    )
    const url = `http://127.0.0.1:${port}`
    await answerOf(`${url}/readyz`)
    const scrape = async () => (await fetch(`http://127.0.0.1:${metrics}`)).text()
    await expect.poll(scrape, { timeout: 20_000 }).toContain('writekey_requests_total{outcome="accepted"} 0')
    for (let count = 0; count < 6; count++)
      expect((await send(url, {}, { connection: 'close' })).status).toBe(200)
    expect(await scrape()).toContain('writekey_requests_total{outcome="accepted"} 6')
    // One that has had no request yet asks its database when it is measured first.
    await expect.poll(scrape, { timeout: 20_000 }).toContain('writekey_part_ok{part="store"} 1')
    // A worker that is stuck hides nothing: the other one is measured, and the missing one counted.
    await expect.poll(scrape).toContain('writekey_workers_missing 0')
    const list = await app.sh(`pgrep -P ${server.child.pid}`)
    const [stuck] = list.trim().split('\n').map(Number) as [number]
    process.kill(stuck, 'SIGSTOP')
    try {
      const both = async () => (await Promise.all([scrape(), scrape()])).map((text) => text.split('\n'))
      const oneMissing = expect.arrayContaining([
        'writekey_workers_missing 1',
        'writekey_part_ok{part="store"} 1',
      ])
      await expect.poll(both).toEqual([oneMissing, oneMissing])
    } finally {
      process.kill(stuck, 'SIGCONT')
    }
    await expect.poll(scrape).toContain('writekey_workers_missing 0')
    expect(await endInOrder(port, () => server.end())).toBe(0)
  })

  it('the manifests of Kubernetes fit each other and the server', async () => {
    const [deployment, service, budget] = parseAllDocuments(fileOf(page('kubernetes'), 'ingest.yaml')).map(
      (each) => each.toJS(),
    )
    const { template, selector } = deployment.spec
    expect(selector.matchLabels).toEqual(template.metadata.labels)
    expect(service.spec.selector).toEqual(template.metadata.labels)
    expect(budget.spec.selector).toEqual(selector)
    const [container] = template.spec.containers
    expect(container.ports.map(({ name }: { name: string }) => name)).toContain(
      service.spec.ports[0].targetPort,
    )
    const job = parse(fileOf(page('kubernetes'), 'migrate.yaml'))
    const [migrating] = job.spec.template.spec.containers
    expect(migrating.image).toBe(container.image)
    expect(await app.sh(migrating.command.at(-1), env)).toContain('up to date')
    const { annotations } = template.metadata
    expect(annotations['prometheus.io/port']).toBe(String(container.ports[0].containerPort))

    const port = await freePort()
    const server = startServer(port)
    const probes = [container.startupProbe, container.readinessProbe, container.livenessProbe]
    for (const { httpGet } of probes) await answerOf(`http://127.0.0.1:${port}${httpGet.path}`)
    await answerOf(`http://127.0.0.1:${port}${annotations['prometheus.io/path']}`)
    const began = performance.now()
    expect(await endInOrder(port, () => server.end())).toBe(0)
    const waited = Number(container.lifecycle.preStop.exec.command[1]) * 1_000
    expect(waited + performance.now() - began).toBeLessThan(
      template.spec.terminationGracePeriodSeconds * 1_000,
    )
  })

  describeWithService('recipes', 'PM2', (packages) => {
    async function withPm2(
      use: (own: Record<string, string>, base: number, reload: string) => Promise<void>,
    ) {
      const file = join(app.folder, 'ecosystem.config.cjs')
      const base = await freePorts(2)
      writeFileSync(
        file,
        replaced(fileOf(page('supervisors'), 'ecosystem.config.cjs'), ['PORT: 3001', `PORT: ${base}`]),
      )
      writeFileSync(join(app.folder, 'pm2.mjs'), fileOf(page('supervisors'), 'pm2.mjs'))
      const own = {
        ...env,
        PM2_HOME: join(app.folder, 'pm2'),
        PATH: `${packages}/node_modules/.bin:${process.env.PATH}`,
      }
      const [start, reload] = blockWith(page('supervisors'), 'sh', 'pm2 start').code.trim().split('\n')
      try {
        await app.sh(start as string, own)
        for (const port of [base, base + 1]) await answerOf(`http://127.0.0.1:${port}/readyz`)
        await use(own, base, reload as string)
      } finally {
        await app.sh('pm2 kill', own)
      }
    }

    it('starts a process for each port, reloads them, and ends them in good order', () =>
      withPm2(async (own, base, reload) => {
        for (const port of [base, base + 1]) expect((await send(`http://127.0.0.1:${port}`)).status).toBe(200)
        const pids = async () =>
          JSON.parse((await app.sh('pm2 jlist', own)).trim().split('\n').at(-1) as string).map(
            ({ pid }: { pid: number }) => pid,
          )
        const before = await pids()
        await app.sh(reload, own)
        for (const port of [base, base + 1]) await answerOf(`http://127.0.0.1:${port}/readyz`)
        const after = await pids()
        expect(after).toHaveLength(2)
        expect(after.filter((pid: number) => before.includes(pid))).toEqual([])
        await endInOrder(base, () => app.sh('pm2 stop ingest', own))
      }))

    describeWithService('nginx', 'behind nginx', (program) => {
      it('has a process to send to while all are reloaded', () =>
        withPm2(async (own, base, reload) => {
          const folder = join(app.folder, 'nginx-pm2')
          await mkdir(folder)
          const from = await freePort()
          ended(app.start(program, writeNginxConfig(folder, from, [base, base + 1])), 'SIGTERM')
          const url = `http://127.0.0.1:${from}`
          await answerOf(url, (status) => status === 404)
          expect(await statusesDuring(url, () => app.sh(reload, own))).toEqual(new Set([200]))
        }))
    })
  })
})

/** The first of so many ports in a row that nobody listens on. */
async function freePorts(count: number): Promise<number> {
  for (;;) {
    const first = await freePort()
    const servers = Array.from({ length: count }, (_, index) =>
      createServer().listen(first + index, '127.0.0.1'),
    )
    const isFree = await Promise.all(
      servers.map(
        (server) =>
          new Promise<boolean>((resolve) => {
            server.once('listening', () => server.close(() => resolve(true)))
            server.once('error', () => resolve(false))
          }),
      ),
    )
    if (isFree.every(Boolean)) return first
  }
}
