import { type Difference, differs } from './campaign.ts'
import type { Draft } from './drafts.ts'

/** The smallest request found that still shows a difference, ready to read. */
export async function smallest({ target, sent, what }: Difference): Promise<string> {
  const where = `${target.server.framework}, ${target.house.name}, request ${sent.number}`
  let draft = sent.draft
  let told = what
  let tries = 0
  let isSmaller = true
  while (isSmaller && tries < 200) {
    isSmaller = false
    for (const candidate of smaller(draft)) {
      if (tries++ > 200) break
      const difference = await differs(target, candidate, `smallest.${tries}`)
      if (difference === undefined) continue
      draft = candidate
      told = difference
      isSmaller = true
      break
    }
  }
  const body = draft.body.toString('latin1').slice(0, 500)
  return [
    `${where}: ${told}`,
    `${draft.method} ${draft.target} ${draft.version}`,
    ...draft.lines,
    `${draft.framing}, cut ${draft.cut}: ${JSON.stringify(body)}`,
  ].join('\n')
}

function* smaller(draft: Draft): Generator<Draft> {
  for (let at = 1; at < draft.lines.length; at++) yield { ...draft, lines: draft.lines.toSpliced(at, 1) }
  if (draft.cut > 0) yield { ...draft, cut: 0 }
  if (draft.framing === 'chunked') yield { ...draft, framing: 'length' }
  if (draft.target !== '/v1/batch') yield { ...draft, target: '/v1/batch' }
  if (draft.body.length > 2) yield { ...draft, body: Buffer.from('{}') }
  for (let size = draft.body.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at + size <= draft.body.length && at < 200; at += size)
      yield { ...draft, body: Buffer.concat([draft.body.subarray(0, at), draft.body.subarray(at + size)]) }
  }
  for (let at = 0; at < draft.target.length; at++)
    yield { ...draft, target: draft.target.slice(0, at) + draft.target.slice(at + 1) }
}
