import { userInfo } from 'node:os'

/** The name of the shell's user, for the audit log. */
export function shellActor(): string {
  try {
    return `shell:${userInfo().username}`
  } catch {
    return 'shell'
  }
}
