import { Body, Controller, Delete, Get, Param, Post } from '@nestjs/common'
import { WriteKeysService } from 'writekey/nestjs'

/** Says the type of no answer, as most controllers do: `declaration` has TypeScript name each. */
@Controller('keys')
export class KeysController {
  constructor(private readonly keys: WriteKeysService) {}

  @Get()
  list() {
    return this.keys.list()
  }

  @Post()
  async create(@Body('name') name: string) {
    return await this.keys.create({ name, sourceType: 'server' })
  }

  @Get(':id')
  get(@Param('id') id: string) {
    return this.keys.get(id)
  }

  @Get(':id/usage')
  usage(@Param('id') id: string) {
    return this.keys.usage(id)
  }

  @Post(':id/rotate')
  rotate(@Param('id') id: string) {
    return this.keys.rotate(id)
  }

  @Delete(':id')
  remove(@Param('id') id: string) {
    return this.keys.remove(id)
  }

  @Get('log')
  log() {
    return this.keys.audit()
  }

  @Get('anomalies')
  anomalies() {
    return this.keys.activity.anomalies()
  }
}
