import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { expect, it, onTestFinished } from 'vitest'
import { createWriteKeys } from '../../src/index.ts'
import { createSqlStore } from '../../src/stores/sql/index.ts'
import { blockWith, runModule } from '../docs/running-blocks.ts'
import { fileOf, loadRecipePackage } from '../recipes/deployed-app.ts'
import { describeWithService } from '../services.ts'
import { postgresDatabase } from '../stores/sql/databases.ts'

const page = 'docs/recipes/other-tables.md'
const run = promisify(execFile)

describeWithService('recipes', 'beside the tables of other tools', (packages) => {
  describeWithService('postgres', 'in PostgreSQL', (address) => {
    /** A database with a key in a schema of its own and one in `public`; `look` says in which of them it is still known. */
    async function useDatabase() {
      const url = await postgresDatabase(address)
      process.env.DATABASE_URL = url
      onTestFinished(() => void Reflect.deleteProperty(process.env, 'DATABASE_URL'))
      const { store } = await runModule(replacedStore(blockWith(page, 'ts', "schema: 'writekey'").code))
      const own = store as ReturnType<typeof createSqlStore>
      const shared = createSqlStore({ url })
      const all = [own, shared].map((each) => createWriteKeys({ store: each, logger: false }))
      onTestFinished(async () => void (await Promise.all(all.map((keys) => keys.close()))))
      await Promise.all([own.migrate(), shared.migrate()])
      const secrets = await Promise.all(
        all.map((keys) => keys.create({ name: 'Shop', sourceType: 'server' }).then(({ key }) => key)),
      )
      const client = new pg.Client({ connectionString: url })
      client.on('error', () => {})
      await client.connect()
      onTestFinished(() => client.end())
      const look = async () => {
        const found = { own: false, shared: false }
        const names = ['own', 'shared'] as const
        for (const [index, keys] of all.entries()) {
          const known = await keys.find(secrets[index] as string).catch(() => undefined)
          found[names[index] as 'own'] = known !== undefined
        }
        return found
      }
      const tables = async () => {
        const { rows } = await client.query(
          "select table_name from information_schema.tables where table_schema = 'public' and table_name not like 'writekey%'",
        )
        return rows.map(({ table_name }) => table_name).sort()
      }
      return { url, look, tables }
    }
    const both = { own: true, shared: true }

    it('Knex runs its migrations, and ours inside one of them', async () => {
      const { url, look, tables } = await useDatabase()
      const knex = loadRecipePackage<(options: object) => never>('knex')?.({
        client: 'pg',
        connection: url,
      }) as never as {
        migrate: {
          latest(options: object): Promise<void>
          rollback(options: object, all: boolean): Promise<void>
        }
        destroy(): Promise<void>
        raw(sql: string): Promise<unknown>
        schema: {
          createTable(name: string, make: (table: never) => void): Promise<void>
          dropTable(name: string): Promise<void>
        }
      }
      onTestFinished(() => knex.destroy())
      const orders = {
        up: (trx: typeof knex) =>
          trx.schema.createTable('orders', (table: { increments(): void }) => table.increments()),
        down: (trx: typeof knex) => trx.schema.dropTable('orders'),
      }
      const source = (named: Record<string, unknown>) => ({
        migrationSource: {
          getMigrations: async () => Object.keys(named),
          getMigrationName: (name: string) => name,
          getMigration: async (name: string) => named[name],
        },
      })
      await knex.migrate.latest(source({ orders }))
      expect(await tables()).toContain('orders')
      expect(await look()).toEqual(both)
      await knex.migrate.rollback(source({ orders }), true)
      expect(await tables()).not.toContain('orders')
      expect(await look()).toEqual(both)

      await knex.raw('drop schema writekey cascade')
      const writekey = await runModule(fileOf(page, 'migrations/1_writekey.mjs'))
      await knex.migrate.latest(source({ writekey }))
      const store = createSqlStore({ url, schema: 'writekey', autoMigrate: false })
      const keys = createWriteKeys({ store, logger: false })
      onTestFinished(() => keys.close())
      await keys.ready()
      expect(await store.planMigration()).toEqual([])
    })

    it('Drizzle pushes its schema, with the filter where the schema is shared', async () => {
      const { look, tables } = await useDatabase()
      const folder = mkdtempSync(join(tmpdir(), 'writekey-drizzle-'))
      onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
      symlinkSync(join(packages, 'node_modules'), join(folder, 'node_modules'))
      writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
      writeFileSync(
        join(folder, 'schema.js'),
        "import { pgTable, serial } from 'drizzle-orm/pg-core'\nexport const orders = pgTable('orders', { id: serial().primaryKey() })\n",
      )
      const config = fileOf(page, 'drizzle.config.js')
      const push = async (text: string) => {
        writeFileSync(join(folder, 'drizzle.config.js'), text)
        await run('node_modules/.bin/drizzle-kit', ['push', '--force'], { cwd: folder })
      }
      await push(config)
      expect(await tables()).toEqual(['orders'])
      expect(await look()).toEqual(both)
      // As the page says: without it, what is in `public` is dropped.
      await push(config.replace(/ {2}tablesFilter.*\n/, ''))
      expect(await look()).toEqual({ own: true, shared: false })
    })

    it('TypeORM synchronizes its entities; dropping the schema empties public alone', async () => {
      const { url, look, tables } = await useDatabase()
      const { DataSource, EntitySchema } = loadRecipePackage('typeorm') as {
        DataSource: new (
          options: object,
        ) => {
          initialize(): Promise<void>
          dropDatabase(): Promise<void>
          destroy(): Promise<void>
          driver: { master: pg.Pool }
        }
        EntitySchema: new (options: object) => object
      }
      const order = new EntitySchema({
        name: 'orders',
        columns: { id: { type: Number, primary: true, generated: true } },
      })
      const source = new DataSource({ type: 'postgres', url, entities: [order], synchronize: true })
      await source.initialize()
      expect(await tables()).toEqual(['orders'])
      expect(await look()).toEqual(both)
      const pooled = createWriteKeys({
        store: createSqlStore({ pool: source.driver.master, schema: 'writekey' }),
        logger: false,
      })
      expect((await pooled.list()).data).toHaveLength(1)
      await pooled.close()
      await source.dropDatabase()
      expect(await look()).toEqual({ own: true, shared: false })
      await source.destroy()
    })

    it('Sequelize alters and drops its models alone', async () => {
      const { url, look, tables } = await useDatabase()
      const { Sequelize, DataTypes } = loadRecipePackage('sequelize') as {
        Sequelize: new (
          url: string,
          options: object,
        ) => {
          define(name: string, fields: object): void
          sync(options: object): Promise<void>
          drop(): Promise<void>
          close(): Promise<void>
        }
        DataTypes: { INTEGER: object }
      }
      const sequelize = new Sequelize(url, { logging: false, dialectModule: pg })
      sequelize.define('order', { total: DataTypes.INTEGER })
      for (const options of [{}, { alter: true }, { force: true }]) await sequelize.sync(options)
      expect(await tables()).toEqual(['orders'])
      await sequelize.drop()
      expect(await tables()).toEqual([])
      expect(await look()).toEqual(both)
      await sequelize.close()
    })
  })
})

/** A block that makes a store, as a module that gives it away. */
function replacedStore(code: string): string {
  return `${code}\nexport { store }\n`
}
