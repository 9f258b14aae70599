import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** The last one whose tables are of version 7, unless another one is named. */
const olderCommit = process.env.OLDER_COMMIT ?? '0070d68^'

export interface Sources {
  readonly folder: string
  readonly commit: string
  remove(): void
}

/** The package as it was, with the programs of today's campaigns; undefined in a checkout without its history. */
export function checkOutOlder(): Sources | undefined {
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: root, stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 1e9 })
  let commit: string
  try {
    commit = git('rev-parse', '--short', '--verify', `${olderCommit}^{commit}`).toString().trim()
  } catch {
    return undefined
  }
  const folder = mkdtempSync(join(tmpdir(), 'writekey-older-'))
  execFileSync('tar', ['-x', '-C', folder], {
    input: git('archive', commit, 'src', 'adapters', 'package.json'),
  })
  const programs = 'test/long/processes'
  cpSync(join(root, programs), join(folder, programs), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  return { folder, commit, remove: () => rmSync(folder, { recursive: true, force: true }) }
}
