import { readFileSync } from 'node:fs'

/** The rules that docs/many-processes.md gives a Redis user of an application. */
export function documentedAcl(): string[] {
  const page = readFileSync(new URL('../../docs/many-processes.md', import.meta.url), 'utf8')
  const block = /ACL SETUSER app on >secret([^`]*)```/.exec(page)?.[1]
  if (block === undefined) throw new Error('docs/many-processes.md shows no ACL SETUSER')
  return block.replaceAll('\\\n', ' ').trim().split(/\s+/)
}
