import { randomBase62 } from '../runtime/base62.ts'
import { nodeOs } from '../runtime/built-ins.ts'
import type { ProcessNames } from './recent-decisions.ts'

/** A process as others see it. */
export function nameProcess(name: string | undefined): ProcessNames {
  let id: string | undefined
  return {
    /** Made when it is asked for: Workers make no random numbers while they load. */
    get id() {
      id ??= randomBase62(16)
      return id
    },
    name: name ?? `${hostName().slice(0, 60)}:${process.pid}`,
  }
}

/** Workers have no host, nor `node:os` before 2025-09. */
function hostName(): string {
  return nodeOs()?.hostname?.() ?? 'worker'
}
