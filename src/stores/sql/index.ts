export type { ApplicationPool } from './app-pool.ts'
export type { SqlDialect } from './dialect.ts'
export type { MigrateOptions } from './migration.ts'
export type { ListeningClient } from './postgres-listener.ts'
export { createSqlStore, type SqlStore } from './sql-store.ts'
export type {
  SqlStoreDbOptions,
  SqlStoreOptions,
  SqlStorePoolOptions,
  SqlStoreUrlOptions,
} from './store-options.ts'
