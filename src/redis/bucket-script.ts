import { microEvents, roundingMicroEvents } from '../limits/gcra.ts'
import type { Rate } from '../limits/rate-limiter.ts'
import { createRedisScript } from './script.ts'

/**
 * The largest chunk that one process takes ahead: this part of a second's events, but never more than this
 * part of the bucket.
 */
const chunkSeconds = 0.1
const chunkPart = 0.25

/** Most events that one process holds of a bucket; 0 or 1 when each request has to ask. */
export function chunkLimit(rate: Rate): number {
  return Math.floor(Math.min(rate.eps * chunkSeconds, rate.burst * chunkPart))
}

/**
 * The shared bucket of one write key: the arithmetic of `gcra.ts`, run in Redis with the server's time.
 *
 * Runs on Redis 5 and later and on Valkey. The value is a string `<used> <at> <turn>`: micro-events owed, the
 * microsecond of that, and the microsecond up to which turns have been given out.
 */
export const bucketScript = createRedisScript(`
-- KEYS[1]  the bucket
-- ARGV     1 eps      events per second, fractions allowed
--          2 burst    events at once, fractions allowed
--          3 cost     events of the request at hand; 0 when there is none
--          4 waiting  events of other requests that wait in the same process
--          5 ahead    events to take beside, for requests to come within a second
--          6 further  events to take beyond those, for later ones, if nobody would miss them
--          7 back     events taken earlier and not spent; negative: events admitted while the server was out of reach
--          8 least    micro-events that the bucket must still owe by what the process was told last; 0 for unknown
-- returns  "<admitted> <owed> <taken> <pause> <lost>": 1 or 0; micro-events owed before anything was charged; events
--          taken beside the cost; microseconds after which to ask for more, 0 for any time; 1 when the server has lost
--          the bucket before its time

local MICRO = ${microEvents}
local ROUNDING = ${roundingMicroEvents}
-- Turns are handed out no further ahead than this.
local HORIZON = 1500000
local CHUNK_SECONDS, CHUNK_PART = ${chunkSeconds}, ${chunkPart}

local eps, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local cost, waiting = tonumber(ARGV[3]), tonumber(ARGV[4])
local ahead, further = tonumber(ARGV[5]), tonumber(ARGV[6])
local back = tonumber(ARGV[7]) * MICRO
local least = tonumber(ARGV[8])
local capacity = burst * MICRO

-- Processes may disagree about the time; the server agrees with itself.
local time = call('TIME')
local now = tonumber(time[1]) * MICRO + tonumber(time[2])

-- Anything that is not a bucket counts as a full one, and is written over. A GET that is refused is no empty bucket.
local stored = redis.pcall('GET', KEYS[1])
if type(stored) == 'table' and string.find(stored.err, 'WRONGTYPE', 1, true) ~= nil then
  stored = ''
elseif type(stored) == 'table' then
  stored = call('GET', KEYS[1])
end
local used, at, turn
if stored then
  used, at, turn = string.match(stored, '^(%S+) (%S+) (%S+)$')
end
used, at, turn = tonumber(used) or 0, tonumber(at) or now, tonumber(turn) or 0

-- Evicted or flushed: what the process remembers is nearer to the truth than a full bucket.
local lost = 0
if not stored and least > 0 then lost, used = 1, least end

-- A clock that went back (a failover to another machine) neither refills the bucket nor stops it from refilling.
if now < at then at = now end
local owed = used - (now - at) * eps
if owed <= ROUNDING then owed = 0 end
if back > 0 then
  owed = math.max(0, owed - back)
elseif back < 0 then
  -- What was admitted out of reach is paid for, but never locks the key out for longer than a full bucket would.
  owed = math.max(owed, math.min(owed - back, capacity))
end
local before = owed

local charge = cost * MICRO
local admitted = 0
if cost > 0 and (owed == 0 or owed + charge <= capacity + ROUNDING) then
  admitted = 1
  owed = owed + charge
end

local function room()
  return math.max(0, math.floor((capacity - owed + ROUNDING) / MICRO))
end

-- Requests that wait already are as good as the one at hand.
local taken = math.min(waiting, room())
owed = owed + taken * MICRO

local pause = 0
if ahead > 0 then
  -- A quarter is left for others, and so a nearly empty bucket gives nothing ahead.
  local most = math.floor(room() * 3 / 4)
  local more = math.min(ahead, most)
  -- Nobody misses what a nearly full bucket gives, nor what others would have to wait for anyway.
  if turn > now or room() - ahead - further >= burst * 3 / 4 then more = math.min(ahead + further, most) end
  taken = taken + more
  owed = owed + more * MICRO
  if more < ahead or room() < math.min(eps * CHUNK_SECONDS, burst * CHUNK_PART) then
    -- Those who want more than there is take turns, spaced so that a turn is worth what was asked for.
    turn = math.max(now, math.min(turn, now + HORIZON)) + math.max(ahead, more) * MICRO / eps
    pause = turn - now
  end
end

-- The key lives until the bucket would be full again: then it need not be remembered.
local lifeMs = math.ceil(owed / eps / 1000) + 1
if lifeMs > 1e12 then lifeMs = 1e12 end
if owed == 0 then
  call('DEL', KEYS[1])
elseif admitted == 1 or taken > 0 or pause > 0 or back ~= 0 or at == now then
  call('SET', KEYS[1], string.format('%.17g %.0f %.0f', owed, now, turn), 'PX', string.format('%.0f', lifeMs))
elseif call('PTTL', KEYS[1]) < lifeMs then
  -- Refusals write nothing, unless the rate was lowered and the bucket has to be remembered for longer.
  call('PEXPIRE', KEYS[1], string.format('%.0f', lifeMs))
end
return string.format('%d %.17g %d %.0f %d', admitted, before, taken, pause, lost)
`)
