import { NestFactory } from '@nestjs/core'
import { WriteKeysService } from 'writekey/nestjs'
import { AppModule } from './app.module'

async function bootstrap() {
  const app = await NestFactory.create(AppModule, { logger: ['error'] })
  await app.listen(0, '127.0.0.1')
  const { key } = await app.get(WriteKeysService).create({ name: 'Consumer', sourceType: 'server' })
  console.log(JSON.stringify({ port: app.getHttpServer().address().port, key }))
}
bootstrap()
