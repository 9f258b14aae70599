import { readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { root } from '../docs/code-blocks.ts'
import { blockWith } from '../docs/running-blocks.ts'
import { freePort } from '../free-port.ts'
import { answerOf, type DeployedApp, deployApp, type Started } from '../recipes/deployed-app.ts'
import { createOwnRedis, type OwnRedis } from '../redis/own-redis.ts'
import { describeWithService } from '../services.ts'
import { usePostgresDatabase } from '../stores/sql/databases.ts'
import { writeNginxConfig } from './nginx-config.ts'
import { startProxy, type TcpProxy } from './processes/proxy.ts'

/**
 * The night of an operator: two processes behind nginx, deployed as the pages say. Something breaks, and metrics, `/readyz` and the
 * log, read by the table of docs/troubleshooting.md, have to say what.
 */
describeWithService('redis', 'two processes behind nginx', () => {
  describeWithService('nginx', 'as the pages deploy them', (nginx) => {
    describeWithService('postgres', 'with a database that breaks', (address) => {
      const database = usePostgresDatabase(address)
      const servers: Started[] = []
      const ports: number[] = []
      let app: DeployedApp
      let cable: TcpProxy
      let redis: OwnRedis
      let url: string
      let key: string

      beforeAll(async () => {
        app = await deployApp()
        const direct = new URL(database.url)
        cable = await startProxy(direct.hostname, Number(direct.port || 5432))
        direct.port = String(cable.port)
        redis = await createOwnRedis()
        await redis.start()
        const env = { DATABASE_URL: direct.href, REDIS_URL: redis.url, TRUSTED_PROXIES: '1' }
        const steps = blockWith('docs/recipes/deploying.md', 'sh', 'writekey migrate').code.trim().split('\n')
        await app.sh(steps[0] as string, env)
        const made = await app.sh(`${steps[1]} --rate-limit-eps 1000`, env)
        key = /sk_live_\w+/.exec(made)?.[0] as string
        for (let count = 0; count < 2; count++) {
          const port = await freePort()
          ports.push(port)
          servers.push(app.start('node', ['server.mjs'], { ...env, PORT: String(port) }))
        }
        for (const port of ports) await answerOf(`http://127.0.0.1:${port}/readyz`)
        const from = await freePort()
        await startNginx(from)
        url = `http://127.0.0.1:${from}`
        await answerOf(url, (status) => status === 404)
      }, 180_000)
      afterAll(async () => {
        await app.remove()
        await redis.kill()
        await cable.close()
      })

      async function startNginx(from: number): Promise<void> {
        const folder = join(app.folder, 'nginx')
        await mkdir(folder)
        app.start(nginx, writeNginxConfig(folder, from, ports))
      }

      const send = async () => {
        const answer = await fetch(`${url}/v1/track`, {
          method: 'POST',
          headers: { authorization: `Basic ${btoa(`${key}:`)}`, 'content-type': 'application/json' },
          body: '{"event":"Order Paid","userId":"42"}',
        })
        await answer.text()
        return { status: answer.status, retryAfter: answer.headers.get('retry-after') }
      }
      const keepSending = (until: () => Promise<boolean>) => async () => {
        await Promise.all(Array.from({ length: 8 }, send))
        return await until()
      }
      /** Which parts are not well, as metrics and `/readyz` say of each process. */
      const sick = (port: number) => async () => {
        const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
        const measured = [...text.matchAll(/^writekey_part_ok\{part="(\w+)"\} 0$/gm)].map(([, part]) => part)
        const ready = (await (await fetch(`http://127.0.0.1:${port}/readyz`)).json()) as Record<
          string,
          boolean
        >
        const told = Object.keys(ready).filter((part) => part !== 'ok' && ready[part] === false)
        return { measured: measured.sort(), told: told.sort() }
      }
      const sickEverywhere = async () => {
        const all = await Promise.all(ports.map((port) => sick(port)()))
        for (const { measured, told } of all) if (String(measured) !== String(told)) return undefined
        return all.every(({ told }) => String(told) === String(all[0]?.told)) ? all[0]?.told : undefined
      }
      const eventually = { timeout: 30_000, interval: 100 }
      /** What each process has written since. */
      const logsSince = () => {
        const from = servers.map((server) => server.printed().length)
        return () =>
          servers.map((server, at) =>
            server
              .printed()
              .slice(from[at])
              .split('\n')
              .filter((line) => line.startsWith('writekey:')),
          )
      }
      const table = readFileSync(`${root}docs/troubleshooting.md`, 'utf8').split('## When a part fails')[1]
      const saysInTable = (line: string) => expect(table).toContain(line)

      it('all is well: every part, 200s, and nothing in the log', async () => {
        const logs = logsSince()
        await expect
          .poll(
            keepSending(async () => String(await sickEverywhere()) === ''),
            eventually,
          )
          .toBe(true)
        expect((await send()).status).toBe(200)
        expect(logs().flat()).toEqual([])
      })

      it.each(['refuses connections', 'swallows packets'])(
        'the database %s: store and then 503, and every process is back by itself',
        async (how) => {
          const logs = logsSince()
          const breakIt = (on: boolean) => (how === 'swallows packets' ? cable.blackhole(on) : cable.cut(on))
          breakIt(true)
          onTestFinished(() => breakIt(false))
          await expect.poll(async () => (await send()).status, eventually).toBe(503)
          expect((await send()).retryAfter).toMatch(/^\d+$/)
          await expect
            .poll(
              keepSending(async () => (await sickEverywhere())?.includes('store') === true),
              eventually,
            )
            .toBe(true)
          for (const lines of logs()) {
            expect(
              lines.filter((line) => line.includes('the store failed or did not answer in time')),
            ).toHaveLength(1)
            expect(lines.join('\n')).not.toContain('limiter')
          }
          saysInTable('the store failed or did not answer in time')
          breakIt(false)
          await expect.poll(async () => (await send()).status, eventually).toBe(200)
          await expect
            .poll(
              keepSending(async () => String(await sickEverywhere()) === ''),
              eventually,
            )
            .toBe(true)
          // The second time within a minute, once that has lasted.
          const saysBack = () => logs().every((lines) => lines.join('\n').includes('the store is back'))
          await expect
            .poll(
              keepSending(async () => saysBack()),
              eventually,
            )
            .toBe(true)
        },
      )

      it('Redis goes away: the limiter and hints are named, and nobody is refused', async () => {
        const logs = logsSince()
        await redis.kill()
        const statuses = new Set<number>()
        await expect
          .poll(async () => {
            statuses.add((await send()).status)
            return String(await sickEverywhere())
          }, eventually)
          .toBe('hints,limiter')
        expect([...statuses]).toEqual([200])
        for (const lines of logs()) {
          expect(lines.join('\n')).toContain('the shared limiter is unreachable')
          expect(lines.join('\n')).not.toContain('the store failed')
        }
        saysInTable('the shared limiter is unreachable')
        await redis.start()
        await expect
          .poll(
            keepSending(async () => String(await sickEverywhere()) === ''),
            eventually,
          )
          .toBe(true)
      })

      it('one process is stuck: its requests fail after seconds, the others go on, and the log of nginx names it', async () => {
        const [stuck, well] = servers.map(({ child }) => child) as [(typeof servers)[0]['child'], unknown]
        expect(well).toBeDefined()
        stuck.kill('SIGSTOP')
        try {
          const began = performance.now()
          // As many as meet it before it is skipped.
          const first = await Promise.all(Array.from({ length: 8 }, send))
          expect(new Set(first.map(({ status }) => status))).toEqual(new Set([200, 504]))
          expect(performance.now() - began).toBeLessThan(30_000)
          // It is skipped now, but for one request every two seconds.
          const next = await Promise.all(Array.from({ length: 40 }, send))
          expect(next.filter(({ status }) => status === 200).length).toBeGreaterThan(20)
          const log = readFileSync(join(app.folder, 'nginx', 'ingest.log'), 'utf8')
          expect(log).toMatch(new RegExp(` 504 \\d+ 127\\.0\\.0\\.1:${ports[0]} `))
          expect(log).not.toMatch(new RegExp(` 504 \\d+ 127\\.0\\.0\\.1:${ports[1]} `))
          const scraped = fetch(`http://127.0.0.1:${ports[0]}/metrics`, {
            signal: AbortSignal.timeout(2_000),
          })
          await expect(scraped).rejects.toThrow()
        } finally {
          stuck.kill('SIGCONT')
        }
        await expect.poll(sickEverywhere, eventually).toEqual([])
      })

      it('one process is killed: the other one serves, and the metrics of the dead one are missing', async () => {
        expect(await servers[0]?.end('SIGKILL')).toBe('SIGKILL')
        await expect.poll(async () => (await send()).status, eventually).toBe(200)
        const statuses: number[] = []
        for (let count = 0; count < 40; count++) statuses.push((await send()).status)
        expect(new Set(statuses)).toEqual(new Set([200]))
        await expect(fetch(`http://127.0.0.1:${ports[0]}/metrics`)).rejects.toThrow()
      })
    })
  })
})
