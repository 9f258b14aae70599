import type { KeyRecord } from '../keys/key-record.ts'
import { describeValue } from '../runtime/config-error.ts'
import { invalidField } from '../runtime/errors.ts'
import { givenFields } from '../runtime/given-fields.ts'
import type { WorkspaceRoom } from './workspace-room.ts'

/** The places left in the workspaces of one import. */
export interface ImportRoom {
  /** Whether a workspace has fewer places than this import wants. */
  isTight(workspace: string | null): boolean
  /** Takes a place; false when there is none. */
  take(workspace: string | null): boolean
}

/** Places that earlier calls of the same dry run would have taken. */
export type Planned = ReadonlyMap<string | null, number>

/** @throws KeyError `invalid_field` */
export function parsePlanned(planned: unknown, dryRun: boolean): Planned {
  const given = givenFields(planned, [])
  if (given === undefined)
    throw invalidField(
      'planned',
      `must be an object with numbers of keys by workspace; received ${describeValue(planned)}`,
    )
  const counts = Object.entries(given) as [string, number][]
  if (counts.length > 0 && !dryRun) throw invalidField('planned', 'must stand beside dryRun only')
  if (counts.some(([, count]) => !Number.isSafeInteger(count) || count < 0))
    throw invalidField('planned', 'must have whole numbers from 0 up')
  return new Map(counts)
}

export async function measureRoom(
  room: Pick<WorkspaceRoom, 'left'>,
  records: readonly KeyRecord[],
  planned: Planned,
): Promise<ImportRoom> {
  const wanted = countByWorkspace(records)
  const left = new Map<string | null, number>()
  for (const workspace of wanted.keys())
    left.set(workspace, (await room.left(workspace)) - (planned.get(workspace) ?? 0))
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
