import { createRedisScript } from './redis-script.ts'

/** Counts the processes that share a limiter: each says every few seconds that it is there. */
export const presenceScript = createRedisScript(`
-- KEYS[1]  a sorted set: process → millisecond, on the server's clock, at which it last said so
-- ARGV     1 process
--          2 milliseconds without a word after which a process is taken for gone; 0: this one leaves
-- returns  how many there are
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local patience = tonumber(ARGV[2])
if patience == 0 then
  redis.call('ZREM', KEYS[1], ARGV[1])
  return redis.call('ZCARD', KEYS[1])
end
-- Also those from the future: left there by a server whose clock was ahead.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - patience)
redis.call('ZREMRANGEBYSCORE', KEYS[1], now + patience, '+inf')
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('PEXPIRE', KEYS[1], patience)
return redis.call('ZCARD', KEYS[1])
`)
