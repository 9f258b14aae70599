export type { RedisClient } from './limits/redis/redis-client.ts'
export { createRedisLimiter } from './limits/redis/redis-limiter.ts'
export type { RedisLimiterOptions } from './limits/redis/redis-limiter-options.ts'
