import { Controller, HttpCode, Injectable, Module, Post, UseGuards } from '@nestjs/common'
import {
  WriteKey,
  type WriteKeyContext,
  WriteKeyGuard,
  WriteKeyModule,
  WriteKeysService,
} from 'writekey/nestjs'
import { KeysController } from './keys.controller'

@Injectable()
export class Sources {
  // Injected by its type alone, as Nest users write it.
  constructor(private readonly keys: WriteKeysService) {}

  async create(): Promise<string> {
    const { key } = await this.keys.create({ name: 'Consumer', sourceType: 'server' })
    return key
  }
}

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
  imports: [WriteKeyModule.forRoot()],
  controllers: [IngestController, KeysController],
  providers: [Sources],
})
export class AppModule {}
