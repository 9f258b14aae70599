import type { ExecutionContext, FactoryProvider, ModuleMetadata, Type } from '@nestjs/common'
import {
  type AdapterOptions,
  anything,
  badOption,
  callback,
  type FetchHandler,
  flag,
  givenFields,
  namesOfNodeRequests,
  oneOf,
  readOptions,
  resolveAdapterOptions,
  writeKeysOptionNames,
} from '../../src/adapter/index.ts'
import {
  ConfigError,
  createWriteKeys,
  type Refused,
  type WriteKeys,
  type WriteKeysOptions,
} from '../../src/index.ts'
import { nestLogger } from './nest-logger.ts'

/** Options of `WriteKeyGuard`. */
export interface WriteKeyGuardOptions
  extends AdapterOptions<(refused: Refused, context: ExecutionContext) => unknown> {
  /**
   * Who reads the body of a guarded route. `'guard'`, the default: Nest's body parser skips the route, and
   * the guard reads the body after all other checks, whatever its `Content-Type`. `'parser'`: Nest's parser
   * reads it first, within its own limits and content types, and the guard judges the result.
   */
  bodyReader?: 'guard' | 'parser' | undefined
  /**
   * Refusals are thrown as `WriteKeyException`, for the app's own exception filters to answer. Default false.
   */
  throwRefusals?: boolean | undefined
}

/** What the module adds to the application. */
export interface WriteKeyRoutesOptions {
  /**
   * Creates the management API to serve: `(keys) => createAdminApi(keys, { tokens })`. It is served at its
   * own path, whatever the global prefix, with its own tokens: guards of the application do not see its
   * requests. Default: none.
   */
  admin?: ((keys: WriteKeys) => FetchHandler) | undefined
}

/**
 * Options of `WriteKeyModule`: those of the guard, and either those of `createWriteKeys` or what it returned.
 */
export type WriteKeyModuleOptions = WriteKeyGuardOptions &
  WriteKeyRoutesOptions &
  (
    | (WriteKeysOptions & { keys?: undefined })
    | {
        /** Write keys that exist already. Whoever created them closes them. */
        keys: WriteKeys
      }
  )

/** A class that makes the options, for `useClass` and `useExisting`. */
export interface WriteKeyOptionsFactory {
  createWriteKeyOptions(): WriteKeyModuleOptions | Promise<WriteKeyModuleOptions>
}

export interface WriteKeyModuleVisibility {
  /** Whether every module sees the guard and the service without importing the module. Default true. */
  isGlobal?: boolean | undefined
}

/** Options of `WriteKeyModule.forRootAsync`: exactly one of `useFactory`, `useClass` and `useExisting`. */
export interface WriteKeyModuleAsyncOptions
  extends WriteKeyModuleVisibility,
    Pick<ModuleMetadata, 'imports' | 'providers'> {
  useFactory?:
    | ((...dependencies: never[]) => WriteKeyModuleOptions | Promise<WriteKeyModuleOptions>)
    | undefined
  /** What `useFactory` is called with. */
  inject?: FactoryProvider['inject'] | undefined
  /** Created by the module. */
  useClass?: Type<WriteKeyOptionsFactory> | undefined
  /** A provider that exists already, in one of `imports` or in a global module. */
  useExisting?: Type<WriteKeyOptionsFactory> | undefined
}

/** Options after checking, defaults filled in. */
export interface WriteKeySetup {
  keys: WriteKeys
  /** Whether the module created the keys, and so closes them. */
  ownsKeys: boolean
  eventType: string | undefined
  onRefused: WriteKeyGuardOptions['onRefused']
  requestProperty: string
  workspaceOf(request: unknown): string | (() => unknown) | undefined
  bodyReader: 'guard' | 'parser'
  throwRefusals: boolean
  admin: FetchHandler | undefined
}

const named = <Name extends string>(names: readonly Name[]) =>
  Object.fromEntries(names.map((name) => [name, anything<unknown>()])) as Record<Name, () => unknown>

const adapterOptionNames = ['eventType', 'onRefused', 'requestProperty', 'workspace'] as const

const readers = {
  keys: anything<WriteKeys>(),
  bodyReader: oneOf(['guard', 'parser'], 'guard'),
  throwRefusals: flag(false),
  admin: callback<NonNullable<WriteKeyRoutesOptions['admin']>>(),
  ...named(adapterOptionNames),
  ...named(writeKeysOptionNames),
}

/**
 * The options as a plain object, also those that a class has getters for.
 * @throws ConfigError for what is no object of options, such as a promise of them
 */
export function optionsOf<Options extends object>(given: Options): Options {
  const options = givenFields(given, Object.keys(readers))
  if (options === undefined) throw badOption('options', given, 'an object')
  return options as Options
}

/** @throws ConfigError for an unknown option or a bad value. */
export function resolveSetup(given: WriteKeyModuleOptions): WriteKeySetup {
  const options = optionsOf(given)
  const { bodyReader, throwRefusals, admin, keys: existing } = readOptions('WriteKeyModule', options, readers)
  const core = pick(options, writeKeysOptionNames)
  const stray = Object.entries(core).find(([, value]) => value !== undefined)?.[0]
  if (existing !== undefined && stray !== undefined) {
    throw new ConfigError(
      stray,
      `WriteKeyModule takes \`keys\` or options of createWriteKeys, not both; received \`keys\` and \`${stray}\`.`,
    )
  }
  const keys = existing ?? createWriteKeys(loggingToNest(core))
  return {
    keys,
    ownsKeys: existing === undefined,
    ...resolveAdapterOptions(keys, pick(options, adapterOptionNames), {
      owner: 'WriteKeyModule',
      takenNames: namesOfNodeRequests,
    }),
    bodyReader,
    throwRefusals,
    admin: admin?.(keys),
  }
}

/**
 * The given options of these names, also where they are `undefined`: some options must not get lost by
 * mistake.
 */
function pick(options: object, names: readonly string[]): object {
  return Object.fromEntries(Object.entries(options).filter(([name]) => names.includes(name)))
}

function loggingToNest(options: WriteKeysOptions): WriteKeysOptions {
  return options.logger === undefined ? { ...options, logger: nestLogger } : options
}
