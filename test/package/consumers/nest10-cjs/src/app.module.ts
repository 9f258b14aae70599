import { Controller, HttpCode, Module, Post, UseGuards } from '@nestjs/common'
import { WriteKey, type WriteKeyContext, WriteKeyGuard, WriteKeyModule } from 'writekey/nestjs'
import { createSqlStore } from 'writekey/sql'
import { KeysController } from './keys.controller'

@Controller('v1')
@UseGuards(WriteKeyGuard)
export class IngestController {
  @Post('track')
  @HttpCode(200)
  track(@WriteKey() { events }: WriteKeyContext) {
    return { events: events.length }
  }
}

@Module({
  imports: [WriteKeyModule.forRoot({ store: createSqlStore({ url: 'sqlite::memory:' }) })],
  controllers: [IngestController, KeysController],
})
export class AppModule {}
