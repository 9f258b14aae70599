import { fstatSync } from 'node:fs'
import { type Terminal, widthOf } from './terminal.ts'

const widestBar = 30
/** What stands beside the bar. */
const besideBar = 24

/** A line on a terminal that is drawn over; nothing when nobody looks. */
export function createProgress({ stdin, stderr }: Terminal) {
  const total = stderr.isTTY === true ? sizeOf(stdin) : undefined
  const width = Math.max(0, Math.min(widestBar, widthOf(stderr) - besideBar))
  let readBytes = 0
  let isShown = false
  return {
    read(bytes: number) {
      readBytes += bytes
    },
    show(done: number) {
      if (stderr.isTTY !== true) return
      isShown = true
      const part = total === undefined ? undefined : Math.min(1, readBytes / total)
      const bar =
        part === undefined
          ? ''
          : `[${'#'.repeat(Math.floor(part * width)).padEnd(width, '.')}] ${Math.floor(part * 100)} % `
      stderr.write(`\r\x1b[K${bar}${done} keys`)
    },
    clear() {
      if (isShown) stderr.write('\r\x1b[K')
      isShown = false
    },
  }
}

/** Of a file that standard input was redirected to; a pipe has none. */
function sizeOf(stdin: Terminal['stdin']): number | undefined {
  const { fd } = stdin as { fd?: number }
  if (typeof fd !== 'number') return undefined
  try {
    const stats = fstatSync(fd)
    return stats.isFile() && stats.size > 0 ? stats.size : undefined
  } catch {
    return undefined
  }
}
