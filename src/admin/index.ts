export { type AdminApi, createAdminApi } from './admin-api.ts'
export type {
  AdminApiOptions,
  AdminToken,
  Authorize,
  Principal,
  RequestInfo,
  Role,
} from './admin-options.ts'
