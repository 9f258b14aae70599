export type { SqlDialect } from './dialect.ts'
export type { ListeningClient } from './postgres-listener.ts'
export {
  createSqlStore,
  type SqlStore,
  type SqlStoreDbOptions,
  type SqlStoreOptions,
  type SqlStoreUrlOptions,
} from './sql-store.ts'
