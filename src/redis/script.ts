import { createHash } from 'node:crypto'

/** A Lua script with one key, and the hash by which a server remembers it. */
export interface RedisScript {
  readonly text: string
  readonly sha: string
}

/** Every command that the scripts call. A script fails as a whole when the user may not run one of them. */
export const scriptCommands = [
  'TIME',
  'GET',
  'SET',
  'PTTL',
  'PEXPIRE',
  'DEL',
  'ZADD',
  'ZREM',
  'ZREMRANGEBYSCORE',
  'ZCARD',
] as const

const commandList = `{ ${scriptCommands.map((command) => `'${command}'`).join(', ')} }`

/**
 * @param body calls Redis by `call(command, …)` only. An error then ends the script, and its text names the
 * command in brackets, or on Redis 7 all that the user may not run. The servers' own texts name none.
 */
export function createRedisScript(body: string): RedisScript {
  const text = `
local refusal
local function refused(command, message)
  if not string.find(message, "can't run this command", 1, true) then return command end
  if not redis.acl_check_cmd then return command end
  local missing = {}
  for _, name in ipairs(${commandList}) do
    local known, allowed = pcall(redis.acl_check_cmd, name, KEYS[1], KEYS[1], KEYS[1])
    if known and not allowed then missing[#missing + 1] = name end
  end
  if #missing == 0 then return command end
  return table.concat(missing, ' ')
end
local function call(command, ...)
  local reply = redis.pcall(command, ...)
  if type(reply) == 'table' and reply.err then
    refusal = reply.err .. ' [' .. refused(command, reply.err) .. ']'
    error(refusal, 0)
  end
  return reply
end
local function run()
${body}
end
local done, result = pcall(run)
if done then return result end
if refusal then return { err = refusal } end
return error(result, 0)
`
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}
