import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Node's `gc`, without a flag on the command line. */
export function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc')
}
