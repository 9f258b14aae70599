import type { KeyRecord } from '../keys/key-record.ts'
import type { WorkspaceRoom } from './workspace-room.ts'

/** The places left in the workspaces of one import. */
export interface ImportRoom {
  /** Whether a workspace has fewer places than this import wants. */
  isTight(workspace: string | null): boolean
  /** Takes a place; false when there is none. */
  take(workspace: string | null): boolean
}

export async function measureRoom(
  room: Pick<WorkspaceRoom, 'left'>,
  records: readonly KeyRecord[],
): Promise<ImportRoom> {
  const wanted = countByWorkspace(records)
  const left = new Map<string | null, number>()
  for (const workspace of wanted.keys()) left.set(workspace, await room.left(workspace))
  const tight = new Set(
    [...wanted].flatMap(([name, count]) => (count > (left.get(name) as number) ? [name] : [])),
  )
  return {
    isTight: (workspace: string | null) => tight.has(workspace),
    take(workspace: string | null): boolean {
      const places = left.get(workspace) as number
      left.set(workspace, places - 1)
      return places > 0
    },
  }
}

/** How many of these records each workspace would get. */
function countByWorkspace(records: Iterable<KeyRecord>): Map<string | null, number> {
  const counts = new Map<string | null, number>()
  for (const { workspace } of records) counts.set(workspace, (counts.get(workspace) ?? 0) + 1)
  return counts
}
