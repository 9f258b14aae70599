import 'reflect-metadata'
import { Controller, Post, type Type, UseGuards } from '@nestjs/common'
import { APP_GUARD } from '@nestjs/core'
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { WriteKey, WriteKeyGuard, WriteKeyModule } from '../../adapters/nestjs/index.ts'
import { createWriteKeys } from '../../src/index.ts'
import { nestAdapters, startNest } from './nest-apps.ts'

/** A second copy of the package, as a library has that was bundled with its own. */
const other = {} as typeof import('../../adapters/nestjs/index.ts')

beforeAll(async () => {
  vi.resetModules()
  Object.assign(other, await import('../../adapters/nestjs/index.ts'))
  expect(other.WriteKeyGuard).not.toBe(WriteKeyGuard)
})

describe.each(nestAdapters)(
  'the guard of another copy than that of the module, on %s',
  (_, createAdapter) => {
    function controllerOf(...guards: Type[]): Type {
      @Controller('v1')
      class IngestController {
        @Post('track')
        track(@WriteKey('id') id: string, @WriteKey('events') events: unknown[]) {
          return { id, events: events.length }
        }
      }
      if (guards.length > 0) UseGuards(...guards)(IngestController)
      return IngestController
    }

    /** Nest's own parser would refuse it. */
    const large = JSON.stringify({
      type: 'track',
      event: 'x'.repeat(200),
      properties: { text: 'y'.repeat(1_500_000) },
    })

    const settings = {
      'at a controller': () => ({ controllers: [controllerOf(other.WriteKeyGuard)] }),
      'extended, at a controller': () => ({
        controllers: [controllerOf(class OwnGuard extends other.WriteKeyGuard {})],
      }),
      everywhere: () => ({
        controllers: [controllerOf()],
        providers: [{ provide: APP_GUARD, useClass: other.WriteKeyGuard }],
      }),
    }

    it.each(Object.entries(settings))(
      'guards and reads bodies as that of the module does, %s',
      async (_, of) => {
        const { send, keyId } = await startNest(createAdapter, of())
        expect((await send({ key: 'sk_live_no' })).status).toBe(401)
        const { status, body } = await send({ body: large, headers: ['Content-Type: text/plain'] })
        expect([status, body]).toEqual([201, JSON.stringify({ id: keyId, events: 1 })])
        const preflight = await send({
          start: 'OPTIONS /v1/track',
          key: null,
          headers: ['Origin: https://app.example.com', 'Access-Control-Request-Method: POST'],
        })
        expect(preflight.status).toBe(204)
      },
    )

    it('has the keys of its own module where that is there as well', async () => {
      const keys = createWriteKeys({ logger: false })
      onTestFinished(() => keys.close())
      const { key: own } = await keys.create({ name: 'Library', sourceType: 'web' })
      const { send, key } = await startNest(createAdapter, {
        imports: [WriteKeyModule.forRoot(), other.WriteKeyModule.forRoot({ keys })],
        controllers: [controllerOf(other.WriteKeyGuard)],
      })
      expect([(await send({ key: own })).status, (await send({ key })).status]).toEqual([201, 401])
    })

    it('says what is missing where there is no module at all', async () => {
      const started = startNest(createAdapter, { imports: [], controllers: [controllerOf(WriteKeyGuard)] })
      await expect(started).rejects.toThrow(
        /^WriteKeyGuard needs WriteKeyModule: add WriteKeyModule\.forRoot\(\)/,
      )
    })
  },
)
