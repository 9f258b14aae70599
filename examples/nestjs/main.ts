import { Controller, HttpCode, Module, Post, UseGuards } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import {
  WriteKey,
  type WriteKeyContext,
  WriteKeyGuard,
  WriteKeyModule,
  WriteKeysService,
} from 'writekey/nestjs'

@Controller('v1')
@UseGuards(WriteKeyGuard)
class IngestController {
  @Post(':type')
  @HttpCode(200)
  ingest(@WriteKey() { name, events }: WriteKeyContext) {
    console.log(name, events)
    return { success: true, accepted: events.length }
  }
}

@Module({ imports: [WriteKeyModule.forRoot()], controllers: [IngestController] })
class AppModule {}

const port = Number(process.env.PORT ?? 3000)
const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] })
app.enableShutdownHooks()
await app.listen(port)

const { key } = await app
  .get(WriteKeysService)
  .create({ name: 'Web App', sourceType: 'web', rateLimitEps: 500 })
console.log(`curl -u '${key}:' -d '{"event":"Signed Up","userId":"42"}' http://localhost:${port}/v1/track`)
