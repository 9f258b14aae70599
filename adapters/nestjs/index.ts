export type { WriteKeyContext } from '../../src/adapter/index.ts'
export { EventType, SkipWriteKey, WriteKey, writeKeyOf } from './decorators.ts'
export type {
  WriteKeyGuardOptions,
  WriteKeyModuleAsyncOptions,
  WriteKeyModuleOptions,
  WriteKeyModuleVisibility,
  WriteKeyOptionsFactory,
  WriteKeyRoutesOptions,
} from './module-options.ts'
export { WriteKeyException } from './write-key-exception.ts'
export { WriteKeyGuard } from './write-key-guard.ts'
export { WriteKeyModule } from './write-key-module.ts'
export { WriteKeysService } from './write-keys-service.ts'
