import { parseListQuery, sortValue } from '../keys/list-query.ts'
import { KeyError } from '../runtime/errors.ts'
import type { KeyStore } from '../stores/key-store.ts'

/** How many more keys each workspace may hold. Keys of no workspace are not limited. */
export interface WorkspaceRoom {
  /**
   * Runs the work while nobody else in this process makes keys in these workspaces, so that `left` stays true
   * until it ends. Other processes may meanwhile exceed the limit by one call each.
   */
  inTurn<Result>(workspaces: Iterable<string | null>, work: () => Promise<Result>): Promise<Result>
  /** Keys that may still be made there. Keys of every status count. */
  left(workspace: string | null): Promise<number>
}

export function createWorkspaceRoom(store: KeyStore, maxKeysPerWorkspace: number): WorkspaceRoom {
  const lastInLine = new Map<string, Promise<unknown>>()

  function behindOthers<Result>(workspace: string, work: () => Promise<Result>): Promise<Result> {
    const turn = (lastInLine.get(workspace) ?? Promise.resolve()).then(work)
    const ended = turn
      .catch(() => {})
      .then(() => {
        if (lastInLine.get(workspace) === ended) lastInLine.delete(workspace)
      })
    lastInLine.set(workspace, ended)
    return turn
  }

  async function countOneByOne(workspace: string): Promise<number> {
    const query = parseListQuery({ workspace, limit: 100 })
    let count = 0
    let page = await store.list(query)
    for (;;) {
      count += page.data.length
      const last = page.data.at(-1)
      if (!page.more || last === undefined || count >= maxKeysPerWorkspace) return count
      const after = { value: sortValue('created_at', last, 0), id: last.id }
      page = await store.list({ ...query, after })
    }
  }

  return {
    async inTurn(workspaces, work) {
      // In one order, so that no two calls wait for each other.
      const names = [...new Set(workspaces)].filter((name) => name !== null).sort()
      const waiting = names.reduceRight((inner, name) => () => behindOthers(name, inner), work)
      return waiting()
    },
    async left(workspace) {
      if (workspace === null) return Number.POSITIVE_INFINITY
      const count = await (store.count?.(parseListQuery({ workspace })) ?? countOneByOne(workspace))
      return Math.max(0, maxKeysPerWorkspace - count)
    },
  }
}

/** Why no key was made. */
export function workspaceFull(): KeyError {
  return new KeyError(
    'conflict',
    'The workspace holds as many keys as it may: remove keys that are not used any more.',
    {
      reason: 'workspace_full',
    },
  )
}
