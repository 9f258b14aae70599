import 'reflect-metadata'
import type { RequestListener } from 'node:http'
import {
  Body,
  type CanActivate,
  Controller,
  type ExecutionContext,
  HttpCode,
  Module,
  type ModuleMetadata,
  Post,
  type Type,
  UnauthorizedException,
  UseGuards,
} from '@nestjs/common'
import { APP_GUARD, NestFactory } from '@nestjs/core'
import { ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler'
import basicAuth from 'basic-auth'
import { WriteKeyGuard, WriteKeyModule } from '../adapters/nestjs/index.ts'
import type { WriteKeys } from '../src/index.ts'

const answer = ({ event }: { event?: unknown }) => ({ success: true, event })

@Controller('v1')
class OpenController {
  @Post('track')
  @HttpCode(200)
  track(@Body() body: { event?: unknown }) {
    return answer(body)
  }
}

@Controller('v1')
@UseGuards(WriteKeyGuard)
class GuardedController {
  @Post('track')
  @HttpCode(200)
  track(@Body() body: { event?: unknown }) {
    return answer(body)
  }
}

/** Nest on Express as it comes, which parses JSON by itself. */
export function nestAlone(): Promise<RequestListener> {
  return listener({}, OpenController)
}

export function nestWithWriteKey(keys: WriteKeys): Promise<RequestListener> {
  return listener({ imports: [WriteKeyModule.forRoot({ keys })] }, GuardedController)
}

/** What one would put together instead: CORS, a guard for Basic credentials, and the throttler by user name. */
export function nestWithThrottler(user: string, limit: number): Promise<RequestListener> {
  const known = new Set([user])
  class BasicAuthGuard implements CanActivate {
    canActivate(context: ExecutionContext): boolean {
      const name = basicAuth(context.switchToHttp().getRequest())?.name
      if (name === undefined || !known.has(name)) throw new UnauthorizedException()
      return true
    }
  }
  return listener(
    {
      imports: [
        ThrottlerModule.forRoot({
          throttlers: [{ ttl: 1_000, limit }],
          getTracker: (request) => basicAuth(request as never)?.name ?? '',
        }),
      ],
      providers: [
        { provide: APP_GUARD, useClass: BasicAuthGuard },
        { provide: APP_GUARD, useClass: ThrottlerGuard },
      ],
    },
    OpenController,
    { cors: true },
  )
}

async function listener(
  metadata: ModuleMetadata,
  controller: Type,
  options: { cors?: boolean } = {},
): Promise<RequestListener> {
  class AppModule {}
  Module({ ...metadata, controllers: [controller] })(AppModule)
  const app = await NestFactory.create(AppModule, { logger: false, ...options })
  await app.init()
  return app.getHttpAdapter().getInstance()
}
