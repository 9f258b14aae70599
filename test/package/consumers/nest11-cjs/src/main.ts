import { NestFactory } from '@nestjs/core'
import { AppModule, Sources } from './app.module'

async function main() {
  const app = await NestFactory.create(AppModule, { logger: ['error'] })
  await app.listen(0, '127.0.0.1')
  const { port } = app.getHttpServer().address()
  console.log(JSON.stringify({ port, key: await app.get(Sources).create() }))
}

main()
