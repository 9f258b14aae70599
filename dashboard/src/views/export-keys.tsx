import { useState } from 'preact/hooks'
import type { WriteKey } from '../api/wire.ts'
import { announce } from '../flash.ts'
import { ErrorNotice } from '../parts/notice.tsx'
import { useTask } from '../parts/task.ts'
import { TaskButton } from '../parts/task-button.tsx'
import { useApi } from '../session.ts'
import { toCsv } from '../words/export.ts'
import { formatCount, plural } from '../words/format.ts'
import { saveFile } from '../words/save-file.ts'
import { allKeys, type KeyFilters } from './key-pages.ts'

const formats = ['CSV', 'JSON'] as const
type Format = (typeof formats)[number]

export function saveKeys(keys: readonly WriteKey[], format: Format): void {
  if (format === 'CSV') saveFile('write-keys.csv', 'text/csv', toCsv([...keys]))
  else saveFile('write-keys.json', 'application/json', JSON.stringify(keys, null, 2))
  announce(`${plural(keys.length, 'key')} exported as ${format}.`)
}

/** Export all keys that fit, not only those on the page. */
export function ExportKeys({ filters }: { filters: KeyFilters }) {
  const api = useApi()
  const [running, setRunning] = useState<{ format: Format; read: string } | null>(null)
  const { start, busy, error } = useTask(async (format: Format) => {
    setRunning({ format, read: '' })
    announce(`Exporting as ${format}…`)
    let quarters = 0
    const keys = await allKeys(api, filters, (count, total) => {
      const read = `${formatCount(count)}${total === null ? '' : ` of ${formatCount(total)}`}`
      setRunning({ format, read: ` ${read}` })
      // Whoever listens wants to know that it goes on, not of every hundred.
      const next = Math.floor((4 * count) / (total ?? Number.POSITIVE_INFINITY))
      if (next > quarters && next < 4) announce(`Exporting: ${read} keys.`)
      quarters = next
    })
    saveKeys(keys, format)
  })
  return (
    <>
      <ErrorNotice error={error} />
      {formats.map((format) => (
        <TaskButton key={format} busy={busy} onClick={() => void start(format)}>
          {busy && running?.format === format ? `Exporting…${running.read}` : `Export ${format}`}
        </TaskButton>
      ))}
    </>
  )
}
