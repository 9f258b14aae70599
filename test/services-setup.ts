import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'
import type { Service, ServiceName } from './services.ts'

const patienceMs = 5_000

interface Candidate extends Service {
  /** Rejects with the reason when the service cannot be used. */
  use(address: string): Promise<void>
}

const candidates: Record<ServiceName, Candidate> = {
  postgres: {
    label: 'PostgreSQL',
    variable: 'WRITEKEY_TEST_POSTGRES',
    address: process.env.WRITEKEY_TEST_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/postgres',
    async use(address) {
      await reachPort(address, 5432)
      const { default: pg } = await import('pg')
      const client = new pg.Client({ connectionString: address, connectionTimeoutMillis: patienceMs })
      await client.connect()
      await client.end()
    },
  },
  mysql: {
    label: 'MariaDB',
    variable: 'WRITEKEY_TEST_MYSQL',
    address: process.env.WRITEKEY_TEST_MYSQL ?? 'mysql://root@127.0.0.1:3306/mysql',
    async use(address) {
      await reachPort(address, 3306)
      const { createConnection } = await import('mysql2/promise')
      const connection = await createConnection({ uri: address, connectTimeout: patienceMs })
      await connection.end()
    },
  },
  redis: {
    label: 'Redis',
    variable: 'WRITEKEY_TEST_REDIS',
    address: process.env.WRITEKEY_TEST_REDIS ?? 'redis://127.0.0.1:6379',
    async use(address) {
      await reachPort(address, 6379)
      const { createClient } = await import('redis')
      const client = createClient({
        url: address,
        socket: { connectTimeout: patienceMs, reconnectStrategy: false },
      })
      client.on('error', () => {})
      await client.connect()
      await client.close()
    },
  },
  chromium: program('Chromium', 'WRITEKEY_TEST_CHROMIUM', '/usr/bin/chromium'),
  nginx: program('nginx', 'WRITEKEY_TEST_NGINX', '/usr/sbin/nginx'),
  haproxy: program('HAProxy', 'WRITEKEY_TEST_HAPROXY', '/usr/sbin/haproxy'),
  nats: program('NATS', 'WRITEKEY_TEST_NATS', '/usr/sbin/nats-server'),
  promtool: program('promtool', 'WRITEKEY_TEST_PROMTOOL', '/usr/bin/promtool'),
  inngest: installedApart("Inngest's SDK", 'inngest', 'senders/inngest', 'inngest'),
  recipes: installedApart('the packages of recipes', 'recipes', 'recipes/packages', 'knex'),
}

/** Packages with a folder of their own; `one` of them tells whether they are there. */
function installedApart(label: string, name: string, folder: string, one: string): Candidate {
  const variable = `WRITEKEY_TEST_${name.toUpperCase()}`
  return {
    label: `${label} (npm run install:${name})`,
    variable,
    address: process.env[variable] ?? fileURLToPath(new URL(folder, import.meta.url)),
    async use(folder) {
      const isThere = () => access(join(folder, 'node_modules', one, 'package.json'))
      if (process.env.REQUIRE_SERVICES !== '1') return await isThere()
      await isThere().catch(() => promisify(execFile)('npm', ['run', `install:${name}`]))
    },
  }
}

/** A program that tests start themselves. */
function program(label: string, variable: string, usualPath: string): Candidate {
  return {
    label,
    variable,
    address: process.env[variable] ?? usualPath,
    use: (path) => access(path, constants.X_OK),
  }
}

/** Most machines without a service refuse the port at once: then its driver need not be loaded at all. */
function reachPort(address: string, defaultPort: number): Promise<void> {
  const { hostname, port } = new URL(address)
  const socket = connect({
    host: hostname,
    port: port === '' ? defaultPort : Number(port),
    timeout: patienceMs,
  })
  return new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
    socket.once('timeout', () => reject(new Error(`no answer within ${patienceMs / 1000} s`)))
  }).finally(() => socket.destroy())
}

async function findOut({ use, ...service }: Candidate): Promise<Service> {
  try {
    await use(service.address)
    return service
  } catch (error) {
    return { ...service, problem: error instanceof Error ? error.message || error.name : String(error) }
  }
}

/** Runs once before the first test and tells every worker which services it may use. */
export default async function setup(project: TestProject): Promise<void> {
  const found = await Promise.all(
    Object.entries(candidates).map(async ([name, candidate]) => [name, await findOut(candidate)] as const),
  )
  project.provide('services', Object.fromEntries(found) as Record<ServiceName, Service>)
  project.provide('requireServices', process.env.REQUIRE_SERVICES === '1')
}
