export type { SqlDialect } from './dialect.ts'
export type { ListeningClient } from './postgres-listener.ts'
export { createSqlStore, type SqlStore } from './sql-store.ts'
export type { SqlStoreDbOptions, SqlStoreOptions, SqlStoreUrlOptions } from './store-options.ts'
