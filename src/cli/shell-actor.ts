import { userInfo } from 'node:os'
import type { ChangeOptions } from '../index.ts'

/** The name of the shell's user, for the audit log. */
export function shellActor(): ChangeOptions {
  try {
    return { actor: { name: `shell:${userInfo().username}` } }
  } catch {
    return { actor: { name: 'shell' } }
  }
}
