import {
  type DynamicModule,
  Inject,
  Module,
  type NestModule,
  type OnApplicationShutdown,
  type OnModuleInit,
  type Provider,
} from '@nestjs/common'
import { HttpAdapterHost, ModuleRef, ModulesContainer } from '@nestjs/core'
import { adminRoutes, anything, flag, readOptions } from '../../src/adapter/index.ts'
import { ConfigError } from '../../src/index.ts'
import { prepareExpress } from './express-routes.ts'
import { prepareFastify } from './fastify-routes.ts'
import { findGuardedHandlers } from './guarded-handlers.ts'
import {
  optionsOf,
  resolveSetup,
  type WriteKeyModuleAsyncOptions,
  type WriteKeyModuleOptions,
  type WriteKeyModuleVisibility,
  type WriteKeyOptionsFactory,
  type WriteKeySetup,
} from './module-options.ts'
import { SHARED_SETUP, WRITE_KEY_SETUP, WriteKeyGuard } from './write-key-guard.ts'
import { WriteKeysService } from './write-keys-service.ts'

const asyncReaders = {
  isGlobal: flag(true),
  imports: anything<unknown>(),
  providers: anything<unknown>(),
  useFactory: anything<unknown>(),
  inject: anything<unknown>(),
  useClass: anything<unknown>(),
  useExisting: anything<unknown>(),
} satisfies Record<keyof WriteKeyModuleAsyncOptions, unknown>

/** Injection token of the options as given. */
const WRITE_KEY_OPTIONS = Symbol('writekey:options')

/**
 * Write keys for NestJS 10, 11 and 12 on Express and Fastify: provides `WriteKeyGuard` and
 * `WriteKeysService`, answers CORS preflights for guarded routes, leaves their bodies to the guard, and
 * serves the management API. Closes the keys it created when the application shuts down.
 *
 * @example
 * ```ts
 * @Module({ imports: [WriteKeyModule.forRoot({ store: createMemoryStore() })], controllers: [IngestController] })
 * export class AppModule {}
 * ```
 */
@Module({})
export class WriteKeyModule implements NestModule, OnModuleInit, OnApplicationShutdown {
  private answerPreflights: (() => void) | undefined
  private readonly setup: WriteKeySetup
  private readonly adapterHost: HttpAdapterHost
  private readonly modules: ModulesContainer
  private readonly moduleRef: ModuleRef

  constructor(
    @Inject(WRITE_KEY_SETUP) setup: WriteKeySetup,
    @Inject(HttpAdapterHost) adapterHost: HttpAdapterHost,
    @Inject(ModulesContainer) modules: ModulesContainer,
    @Inject(ModuleRef) moduleRef: ModuleRef,
  ) {
    this.setup = setup
    this.adapterHost = adapterHost
    this.modules = modules
    this.moduleRef = moduleRef
  }

  /** @throws ConfigError, while the application is created, for bad options. */
  static forRoot(options: WriteKeyModuleOptions & WriteKeyModuleVisibility = {}): DynamicModule {
    const { isGlobal, ...given } = optionsOf(options)
    return define(
      [{ provide: WRITE_KEY_OPTIONS, useValue: given }],
      asyncReaders.isGlobal(isGlobal, 'isGlobal'),
    )
  }

  /**
   * The same with options that a factory or a class creates, and that may use other providers.
   *
   * @throws ConfigError unless exactly one of `useFactory`, `useClass` and `useExisting` is given.
   */
  static forRootAsync(options: WriteKeyModuleAsyncOptions): DynamicModule {
    const { isGlobal } = readOptions('WriteKeyModule.forRootAsync', options, asyncReaders)
    const { imports = [], providers = [] } = options
    return { ...define([...providers, ...optionProviders(options)], isGlobal), imports }
  }

  /** Nest calls this after its body parsers and before its routes. */
  configure(): void {
    const adapter = this.adapterHost.httpAdapter
    if (this.setup.admin !== undefined) adapter.use(adminRoutes(this.setup.admin))
    const handlers = findGuardedHandlers(this.modules, this.moduleRef)
    if (adapter.getType() === 'express') prepareExpress(adapter, handlers, this.setup)
    if (adapter.getType() === 'fastify') {
      this.answerPreflights = prepareFastify(adapter, handlers, this.setup)
    }
  }

  /** Nest calls this after its routes. */
  onModuleInit(): void {
    this.answerPreflights?.()
  }

  async onApplicationShutdown(): Promise<void> {
    if (this.setup.ownsKeys) await this.setup.keys.close()
  }
}

function define(optionProviders: Provider[], isGlobal: boolean): DynamicModule {
  return {
    module: WriteKeyModule,
    global: isGlobal,
    providers: [
      ...optionProviders,
      { provide: WRITE_KEY_SETUP, useFactory: resolveSetup, inject: [WRITE_KEY_OPTIONS] },
      {
        provide: WriteKeysService,
        useFactory: (setup: WriteKeySetup) => setup.keys,
        inject: [WRITE_KEY_SETUP],
      },
      { provide: SHARED_SETUP, useExisting: WRITE_KEY_SETUP },
      WriteKeyGuard,
    ],
    exports: [WRITE_KEY_SETUP, SHARED_SETUP, WriteKeysService, WriteKeyGuard],
  }
}

function optionProviders(options: WriteKeyModuleAsyncOptions): Provider[] {
  const { useFactory, inject = [], useClass, useExisting } = options
  const given = [useFactory, useClass, useExisting].filter((way) => way !== undefined)
  if (given.length !== 1) {
    throw new ConfigError(
      'useFactory',
      `forRootAsync takes exactly one of useFactory, useClass and useExisting; received ${given.length} of them.`,
    )
  }
  if (useFactory !== undefined) return [{ provide: WRITE_KEY_OPTIONS, useFactory, inject }]
  const factory = (useClass ?? useExisting) as NonNullable<typeof useClass>
  return [
    ...(useClass === undefined ? [] : [useClass]),
    {
      provide: WRITE_KEY_OPTIONS,
      useFactory: (made: WriteKeyOptionsFactory) => made.createWriteKeyOptions(),
      inject: [factory],
    },
  ]
}
