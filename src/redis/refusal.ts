import { StoreError } from '../runtime/errors.ts'

/** What was asked of the server, as far as an operator must know it. */
export interface RedisAccess {
  command: string
  /** The prefix of the keys, or the channel, as a pattern of an ACL. */
  pattern: string
}

const states: readonly (readonly [code: string, message: string])[] = [
  [
    'OOM',
    'Redis is full: it has reached maxmemory and refuses writes. Give it more memory, or remove what is not needed.',
  ],
  ['READONLY', 'This Redis is a read-only replica. Connect to the primary.'],
  ['MISCONF', 'Redis refuses writes because it cannot save to disk. Its log says why.'],
  ['NOREPLICAS', 'Redis refuses writes because it has too few replicas (min-replicas-to-write).'],
  ['LOADING', 'Redis is loading its data and does not answer yet.'],
  ['MASTERDOWN', 'This Redis is a replica that has lost its primary.'],
  ['CLUSTERDOWN', 'The Redis cluster is down: some of its slots have no node.'],
  ['BUSY', 'Redis is busy with a script of somebody else, and answers nothing until that ends.'],
  ['NOAUTH', 'Redis asks for a password, and the client gives none.'],
  ['WRONGPASS', 'Redis refuses the user name or password of the client.'],
]

/** The server refuses permission. An operator can fix it step by step; each step has its own text. */
export class PermissionError extends StoreError {}

/**
 * Explains a server's refusal: what is missing and what to do, in the same words each time. Other errors are
 * returned as they are.
 */
export function explainRefusal(error: unknown, { command, pattern }: RedisAccess): Error {
  const text = String((error as Error)?.message ?? error)
  const options = { cause: error }
  if (text.includes('access one of the channels')) {
    return new PermissionError(
      'store_unavailable',
      `The Redis user may not use the channel "${pattern}". Allow it by ACL SETUSER <user> &${pattern}`,
      options,
    )
  }
  if (/access (one of|at least one of) the keys/.test(text)) {
    return new PermissionError(
      'store_unavailable',
      `The Redis user may not read and write the keys "${pattern}". Allow it by ACL SETUSER <user> ~${pattern}`,
      options,
    )
  }
  if (/NOPERM|can't run this command/.test(text)) {
    const missing = missingCommands(text) ?? [command]
    const grants = missing.map((name) => `+${name.toLowerCase()}`).join(' ')
    return new PermissionError(
      'store_unavailable',
      `The Redis user may not run ${missing.join(', ')}. Allow it by ACL SETUSER <user> ${grants}`,
      options,
    )
  }
  const code = /^(?:ERR |-)?([A-Z]+)\b/.exec(text)?.[1]
  const message = states.find(([name]) => name === code)?.[1]
  if (message !== undefined) return new StoreError('store_unavailable', message, options)
  return error instanceof Error ? error : new Error(text)
}

/** Scripts name the command in brackets, the server quotes the one that was sent. */
function missingCommands(text: string): string[] | undefined {
  const named = /\[([A-Z ]+)\]/.exec(text)?.[1]?.split(' ')
  const quoted = /run the '([a-z|]+)' command/i.exec(text)?.[1]?.toUpperCase()
  return named ?? (quoted === undefined ? undefined : [quoted])
}
