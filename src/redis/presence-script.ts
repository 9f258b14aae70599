import { createRedisScript } from './script.ts'

/** Longest time in milliseconds that one announcement of a process counts. */
export const longestPresenceMs = 21_000

/**
 * Counts the processes that share a limiter. Each announces itself regularly, and says for how long that
 * counts.
 */
export const presenceScript = createRedisScript(`
-- KEYS[1]  a sorted set: process → millisecond, on the server's clock, until which its last word counts
-- ARGV     1 process
--          2 milliseconds for which this word counts; 0: this process leaves
-- returns  "<count> <added>": how many there are; 1 when this one had not been among them
local time = call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local life = tonumber(ARGV[2])
local added = 0
if life == 0 then
  call('ZREM', KEYS[1], ARGV[1])
else
  -- First of all writes: a server that is full lets every command pass behind one that frees memory.
  added = call('ZADD', KEYS[1], now + life, ARGV[1])
  call('PEXPIRE', KEYS[1], ${longestPresenceMs + 9_000})
end
call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
-- Also those from the future: left there by a server whose clock was ahead.
call('ZREMRANGEBYSCORE', KEYS[1], now + ${longestPresenceMs + 1}, '+inf')
return call('ZCARD', KEYS[1]) .. ' ' .. added
`)
