import { createRedisScript } from './script.ts'

/**
 * Does to a key of its own what the other scripts do to theirs. So a server that is full, read-only, or lacks
 * a permission does not count as recovered.
 */
export const rehearsalScript = createRedisScript(`
-- KEYS[1]  a key that nothing else uses
-- The write that needs memory comes first: behind one that frees some, a full server lets it pass.
call('SET', KEYS[1], string.rep('x', 100), 'PX', '1000')
call('GET', KEYS[1])
call('PTTL', KEYS[1])
call('PEXPIRE', KEYS[1], '1000')
call('TIME')
call('DEL', KEYS[1])
return 1
`)
