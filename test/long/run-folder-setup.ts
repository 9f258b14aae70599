import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  export interface ProvidedContext {
    /** For what several files of a run share. */
    runFolder: string
  }
}

export default function setup(project: TestProject) {
  const folder = mkdtempSync(join(project.config.env?.TMPDIR ?? tmpdir(), 'writekey-run-'))
  project.provide('runFolder', folder)
  return () => rmSync(folder, { recursive: true, force: true })
}
