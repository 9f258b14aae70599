import 'reflect-metadata'
import { type INestApplication, Injectable, Module, type ModuleMetadata } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { describe, expect, it } from 'vitest'
import { WriteKeyModule, type WriteKeyModuleOptions, WriteKeysService } from '../../adapters/nestjs/index.ts'
import { createWriteKeys, type WriteKeys } from '../../src/index.ts'
import { basic } from '../../src/testing/adapter/golden/golden-request.ts'
import { IngestController } from './nest-apps.ts'

describe('WriteKeyModule', () => {
  const keys = createWriteKeys()

  @Injectable()
  class Settings {
    createWriteKeyOptions() {
      return { keys }
    }
  }

  @Module({ providers: [Settings], exports: [Settings] })
  class SettingsModule {}

  async function create(imports: ModuleMetadata['imports']): Promise<INestApplication> {
    @Module({ imports: imports ?? [], controllers: [IngestController] })
    class AppModule {}
    return NestFactory.create(AppModule, new ExpressAdapter(), { logger: false, abortOnError: false })
  }

  it.each([
    ['forRoot', () => [WriteKeyModule.forRoot({ keys })]],
    [
      'useFactory',
      () => [
        WriteKeyModule.forRootAsync({
          imports: [SettingsModule],
          inject: [Settings],
          useFactory: async (settings: Settings) => settings.createWriteKeyOptions(),
        }),
      ],
    ],
    ['useClass', () => [WriteKeyModule.forRootAsync({ useClass: Settings })]],
    [
      'useExisting',
      () => [WriteKeyModule.forRootAsync({ imports: [SettingsModule], useExisting: Settings })],
    ],
    ['isGlobal: false', () => [WriteKeyModule.forRoot({ keys, isGlobal: false })]],
  ])('takes its options from %s', async (_, imports) => {
    const app = await create(imports())
    expect(app.get(WriteKeysService)).toBe(keys)
    await app.init()
    await app.close()
  })

  it('is seen by every module unless told otherwise', async () => {
    @Module({ controllers: [IngestController] })
    class FeatureModule {}
    const app = await create([WriteKeyModule.forRoot({ keys }), FeatureModule])
    await app.close()
    await expect(create([WriteKeyModule.forRoot({ keys, isGlobal: false }), FeatureModule])).rejects.toThrow(
      'WriteKeyGuard',
    )
  })

  it('gives its service to an application without HTTP', async () => {
    @Module({ imports: [WriteKeyModule.forRoot()] })
    class WorkerModule {}
    const app = await NestFactory.createApplicationContext(WorkerModule, {
      logger: false,
      abortOnError: false,
    })
    expect(await app.get(WriteKeysService).list()).toMatchObject({ data: [] })
    await app.close()
  })

  it('closes the keys it made when the application shuts down, and no others', async () => {
    const request = { method: 'POST', path: '/', headers: {}, body: {} }
    const own = await create([WriteKeyModule.forRoot({ environment: 'production' })])
    const made = own.get(WriteKeysService)
    const { key } = await made.create({ name: 'A', sourceType: 'web' })
    const signed = { ...request, headers: { authorization: basic(key) } }
    expect(await made.verify(signed)).toMatchObject({ ok: true })
    await own.close()
    expect(await made.verify(signed)).toMatchObject({ ok: false, reason: 'store_unavailable' })

    const given = await create([WriteKeyModule.forRoot({ keys })])
    await given.close()
    const kept = await keys.create({ name: 'B', sourceType: 'web' })
    expect(await keys.verify({ ...request, headers: { authorization: basic(kept.key) } })).toMatchObject({
      ok: true,
    })
  })

  it.each([
    [{ enviroment: 'x' }, 'enviroment'],
    [{ keys, pepper: 'p'.repeat(20) }, 'pepper'],
    [{ enviroment: 'x' }, 'Did you mean "environment"?'],
    [{ bodyreader: 'guard' }, 'Did you mean "bodyReader"?'],
    [{ bodyReader: 'parsr' }, "Did you mean 'parser'?"],
    [{ isGlobal: 'no' }, 'isGlobal must be true or false'],
    [{ bodyReader: 'nest' }, 'bodyReader'],
    [{ throwRefusals: 'yes' }, 'throwRefusals'],
    [{ eventType: '' }, 'eventType'],
    [{ keys: {} }, 'keys'],
    [{ admin: {} }, 'admin'],
  ])('refuses the options %j', async (options, text) => {
    await expect(async () =>
      create([WriteKeyModule.forRoot(options as WriteKeyModuleOptions)]),
    ).rejects.toThrow(text)
  })

  it('takes options that a class has getters for', async () => {
    class Unshared {
      get environment() {
        return 'staging'
      }
    }
    class Getters extends Unshared {
      get isGlobal() {
        return false
      }
    }
    for (const way of [
      WriteKeyModule.forRoot(new Getters()),
      WriteKeyModule.forRootAsync({ useFactory: () => new Unshared() }),
    ]) {
      const app = await create([way])
      const made: WriteKeys = app.get(WriteKeysService)
      expect((await made.create({ name: 'Web', sourceType: 'web' })).writeKey.environment).toBe('staging')
      await app.close()
    }
    expect(WriteKeyModule.forRoot(new Getters()).global).toBe(false)
  })

  it('refuses options that come from nowhere or from two places', () => {
    for (const none of [null, 'keys', Promise.resolve({ keys }), new Map()])
      expect(() => WriteKeyModule.forRoot(none as never)).toThrow(/^options must be an object; received/)
    expect(() => WriteKeyModule.forRootAsync({})).toThrow('useFactory')
    expect(() => WriteKeyModule.forRootAsync({ useFactroy: () => ({}) } as object)).toThrow(
      'Did you mean "useFactory"?',
    )
    expect(() => WriteKeyModule.forRootAsync({ useClass: Settings, useExisting: Settings })).toThrow(
      'useFactory',
    )
  })
})
