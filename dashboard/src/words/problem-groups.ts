import type { Problem } from '../api/wire.ts'

/** Problems that differ in nothing but their senders. */
export interface ProblemGroup extends Problem {
  /** The latest first. */
  addresses: string[]
}

/**
 * A site that many people visit is refused at many addresses: one line for all of them, unless the address is
 * what was refused, or all that is known.
 */
export function groupProblems(problems: readonly Problem[]): ProblemGroup[] {
  const groups = new Map<string, ProblemGroup>()
  for (const problem of problems) {
    const { id, reason, key_id: keyId, origin, address } = problem
    const isOfAddress = keyId === null || reason === 'ip_not_allowed' || reason === 'sender_rate_limited'
    const place = isOfAddress ? id : JSON.stringify([reason, keyId, origin])
    const known = groups.get(place)
    const addresses = address === null ? [] : [address]
    if (known === undefined) groups.set(place, { ...problem, addresses })
    else groups.set(place, join(known, problem, addresses))
  }
  return [...groups.values()]
}

/** @param group with the later ones, as the server lists the latest first. */
function join(group: ProblemGroup, problem: Problem, addresses: string[]): ProblemGroup {
  const { trend } = problem
  return {
    ...group,
    addresses: [...group.addresses, ...addresses],
    names: [...new Set([...group.names, ...problem.names])],
    types: [...new Set([...group.types, ...problem.types])],
    rest: group.rest || problem.rest,
    count: group.count + problem.count,
    first_at: group.first_at < problem.first_at ? group.first_at : problem.first_at,
    // Only new when all of it is.
    trend: group.trend === 'new' && trend !== 'over' ? trend : group.trend,
  }
}
