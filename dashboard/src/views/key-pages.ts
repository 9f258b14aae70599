import { useEffect, useRef, useState } from 'preact/hooks'
import type { Api } from '../api/client.ts'
import type { WriteKey } from '../api/wire.ts'
import { useData } from '../parts/refreshed-data.ts'
import { useApi } from '../session.ts'

export const rowsPerPage = 50
/** The most that the server gives at once. */
const rowsPerExport = 100
const refreshMs = 15_000

/** Filters of the list as they stand in the address; empty = none. */
export interface KeyFilters {
  q: string
  status: string
  concern: string
  source_type: string
  environment: string
  workspace: string
  sort: string
}

interface FoundKeys {
  keys: WriteKey[]
  next: string | null
  total: number | null
}

/** One page of keys, searched and sorted by the server, refreshed every 15 s. */
export function useKeyPages(filters: KeyFilters) {
  const api = useApi()
  const [cursors, setCursors] = useState<(string | null)[]>([null])
  const filterText = JSON.stringify(filters)
  const before = useRef(filterText)
  const isOther = before.current !== filterText
  const shown = isOther ? [null] : cursors
  useEffect(() => {
    if (before.current === filterText) return
    before.current = filterText
    setCursors([null])
  }, [filterText])
  const cursor = shown.at(-1) ?? null
  const [counted, setCounted] = useState<{ of: string; total: number | null } | null>(null)
  const { data, error, readAt, reload } = useData(
    `${filterText} ${cursor}`,
    async () => {
      const found = await findKeys(api, filters, cursor)
      if (cursor === null) setCounted({ of: filterText, total: found.total })
      return found
    },
    refreshMs,
  )
  return {
    keys: data?.keys ?? null,
    // That of other filters would be wrong.
    total: counted?.of === filterText ? counted.total : null,
    error,
    readAt,
    reload,
    page: shown.length,
    hasNext: data !== null && data.next !== null,
    next: () => data !== null && data.next !== null && setCursors([...shown, data.next]),
    previous: () => setCursors(shown.slice(0, -1)),
  }
}

async function findKeys(
  api: Api,
  { status, sort, ...filters }: KeyFilters,
  cursor: string | null,
  limit = rowsPerPage,
): Promise<FoundKeys> {
  const page = await api.listKeys({
    ...filters,
    effective_status: status,
    sort: sort === '-created_at' ? '' : sort,
    limit: String(limit),
    cursor,
  })
  return { keys: page.data, next: page.next_cursor, total: page.total }
}

/**
 * Every key that fits, for an export.
 * @param onRead how many have been read, and of how many
 */
export async function allKeys(
  api: Api,
  filters: KeyFilters,
  onRead: (count: number, total: number | null) => void,
): Promise<WriteKey[]> {
  const keys: WriteKey[] = []
  let cursor: string | null = null
  let total: number | null = null
  do {
    const found: FoundKeys = await findKeys(api, filters, cursor, rowsPerExport)
    keys.push(...found.keys)
    total ??= found.total
    onRead(keys.length, total)
    cursor = found.next
  } while (cursor !== null)
  return keys
}
