import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findProgram } from './stores/sql/servers/own-server.ts'

/** The wall clock of processes that are started with `env`, by libfaketime. What is monotonic stays right. */
export interface FakeClock {
  readonly env: Record<string, string>
  /** Seconds ahead of the machine's clock, from within a moment on. */
  set(aheadSeconds: number): void
  remove(): void
}

const library = findProgram([
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1',
  '/usr/lib/faketime/libfaketimeMT.so.1',
])

export const hasFakeClock = library !== undefined

export function createFakeClock(aheadSeconds = 0): FakeClock {
  if (library === undefined) throw new Error('libfaketime is not installed here.')
  const folder = mkdtempSync(join(tmpdir(), 'writekey-clock-'))
  const file = join(folder, 'clock')
  const set = (seconds: number) => {
    // Replaced at once: half a file would be another time.
    writeFileSync(`${file}.new`, `${seconds < 0 ? '' : '+'}${seconds}\n`, { mode: 0o644 })
    renameSync(`${file}.new`, file)
  }
  set(aheadSeconds)
  chmodSync(folder, 0o755)
  return {
    env: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      FAKETIME_DONT_RESET: '1',
    },
    set,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
