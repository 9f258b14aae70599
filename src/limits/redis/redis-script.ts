import { createHash } from 'node:crypto'

/** A Lua script with one key, and the name under which a server remembers it. */
export interface RedisScript {
  readonly text: string
  readonly sha: string
}

export function createRedisScript(text: string): RedisScript {
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}
