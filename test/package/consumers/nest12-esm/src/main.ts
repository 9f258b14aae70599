import 'reflect-metadata'
import { createRequire } from 'node:module'
import { Controller, HttpCode, Module, Post } from '@nestjs/common'
import { APP_GUARD, NestFactory } from '@nestjs/core'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import {
  WriteKey,
  type WriteKeyContext,
  WriteKeyGuard,
  WriteKeyModule,
  WriteKeysService,
} from 'writekey/nestjs'
import { KeysController } from './keys.controller.js'

// Tokens are classes: a second copy of the package would be a second set of them.
if (createRequire(import.meta.url)('writekey/nestjs').WriteKeysService !== WriteKeysService) {
  throw new Error('require and import gave two copies')
}

@Controller('v1')
class IngestController {
  @Post('track')
  @HttpCode(200)
  track(@WriteKey('events') events: WriteKeyContext['events']) {
    return { events: events.length }
  }
}

@Module({
  imports: [WriteKeyModule.forRootAsync({ useFactory: async () => ({ environment: 'production' }) })],
  controllers: [IngestController, KeysController],
  providers: [{ provide: APP_GUARD, useClass: WriteKeyGuard }],
})
class AppModule {}

const app = await NestFactory.create(AppModule, new FastifyAdapter(), { logger: ['error'] })
await app.listen(0, '127.0.0.1')
const { key } = await app.get(WriteKeysService).create({ name: 'Consumer', sourceType: 'server' })
console.log(JSON.stringify({ port: app.getHttpServer().address().port, key }))
