import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { AdminApiOptions, Authorize } from '../admin/index.ts'
import { usageError } from './cli-error.ts'
import type { Terminal } from './terminal.ts'

/** Who may manage a server started by the command line. */
export interface ServeAccess {
  options: Pick<AdminApiOptions, 'tokens' | 'authorize'>
  /** A new token, which is shown only once; undefined if one existed already. */
  created: string | undefined
  /**
   * Stores the hash of a new token. Call it when nothing can fail any more, so that the token is sure to be
   * shown.
   */
  keep(): void
}

const nothing = () => {}

/**
 * The management token of `serve`: `WRITEKEY_ADMIN_TOKEN`, or one made at the first start. Of that one only the
 * hash is kept, in a file that its owner alone can read; delete the file to get a new one.
 *
 * @param file undefined: the token lives as long as the process.
 */
export function resolveServeAccess({ env }: Terminal, file: string | undefined): ServeAccess {
  const token = env.WRITEKEY_ADMIN_TOKEN
  if (token !== undefined) {
    if (token.length < 32) {
      throw usageError(
        `WRITEKEY_ADMIN_TOKEN must have at least 32 characters; it has ${token.length}. Make one with: openssl rand -hex 32`,
      )
    }
    return { options: { tokens: [{ name: 'env', token, role: 'admin' }] }, created: undefined, keep: nothing }
  }
  const stored = file === undefined ? undefined : readHash(file)
  if (stored !== undefined)
    return { options: { authorize: byHash(stored) }, created: undefined, keep: nothing }
  const created = randomBytes(32).toString('hex')
  const hash = sha256(created)
  return {
    options: { authorize: byHash(hash) },
    created,
    keep() {
      if (file === undefined) return
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
      writeFileSync(file, `${hash.toString('hex')}\n`, { mode: 0o600 })
    },
  }
}

function byHash(expected: Buffer): Authorize {
  return (request) => {
    const token = /^Bearer +([0-9a-f]{64}) *$/i.exec(request.headers.get('authorization') ?? '')?.[1]
    if (token === undefined || !timingSafeEqual(sha256(token), expected)) return null
    return { name: 'admin', role: 'admin' }
  }
}

function readHash(file: string): Buffer | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8').trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  if (!/^[0-9a-f]{64}$/.test(text))
    throw usageError(`${file} does not hold the hash of a management token. Delete it to get a new token.`)
  return Buffer.from(text, 'hex')
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
