import { useState } from 'preact/hooks'
import { createImportReader, type ImportColumns, type ImportEntry } from '../../../src/keys/import-text.ts'
import type { Api } from '../api/client.ts'
import type { ImportKey } from '../api/wire.ts'
import { Dialog } from '../parts/dialog.tsx'
import { ErrorNotice, Notice } from '../parts/notice.tsx'
import { useTask } from '../parts/task.ts'
import { useApi } from '../session.ts'
import { forEachList } from '../words/list-rules.ts'

/** What the columns of a CSV file hold; the server checks all of it. */
const columns = {
  name: 'text',
  source_type: 'word',
  environment: 'word',
  workspace: 'word',
  plan: 'word',
  trial: 'rules',
  rate_limit_eps: 'number',
  sender_rate_limit_eps: 'number',
  allowed_event_types: 'list',
  allowed_origins: 'list',
  ...forEachList(() => 'list' as const),
  metadata: 'json',
  expires_at: 'moment',
  key: 'word',
  key_hash: 'word',
} as const satisfies ImportColumns & Record<keyof ImportKey, string>

const keysPerCall = 1_000

interface Outcome {
  line: number
  ok: boolean
  text: string
}

/** Imports keys that were made elsewhere: first a dry run, then the keys that passed it. */
export function ImportKeys({ onClose }: { onClose: () => void }) {
  const api = useApi()
  const [text, setText] = useState('')
  const [outcomes, setOutcomes] = useState<Outcome[] | null>(null)
  const [isDone, setIsDone] = useState(false)

  const { start, busy, error } = useTask(async (dryRun: boolean) => {
    const reader = createImportReader(columns)
    const entries = [...reader.push(text), ...reader.end()]
    const told: Outcome[] = []
    for (let from = 0; from < entries.length; from += keysPerCall) {
      told.push(...(await importSome(api, entries.slice(from, from + keysPerCall), dryRun)))
      setOutcomes([...told])
    }
    setOutcomes(told)
    setIsDone(!dryRun)
    // The secrets have done their service.
    if (!dryRun) setText('')
  })

  function take(given: string): void {
    setText(given)
    setOutcomes(null)
    setIsDone(false)
  }

  const good = outcomes?.filter(({ ok }) => ok).length ?? 0
  return (
    <Dialog
      title="Import keys"
      wide
      loss={text.trim() !== '' ? 'These keys have not been imported. Throw away what was pasted?' : null}
      onClose={onClose}
    >
      <div class="dialog-body">
        <p>
          Keys that were made elsewhere: one JSON object on each line, or CSV with{' '}
          <code>name,source_type,key</code> as its first row. Nothing is stored before the check has been
          shown.
        </p>
        <KeyTextFields text={text} onText={take} />
        <ErrorNotice error={error} />
        {outcomes !== null && <Outcomes outcomes={outcomes} good={good} isDone={isDone} />}
      </div>
      <footer class="dialog-foot">
        <button type="button" onClick={onClose}>
          {isDone ? 'Done' : 'Cancel'}
        </button>
        {!isDone && (
          <button type="button" disabled={busy || text.trim() === ''} onClick={() => void start(true)}>
            Check
          </button>
        )}
        {!isDone && outcomes !== null && (
          <button
            type="button"
            class="primary"
            disabled={busy || good === 0}
            onClick={() => void start(false)}
          >
            Import {good}
          </button>
        )}
      </footer>
    </Dialog>
  )
}

async function importSome(api: Api, entries: readonly ImportEntry[], dryRun: boolean): Promise<Outcome[]> {
  const items = entries.flatMap((entry) => ('item' in entry ? [entry.item] : []))
  const { results } = await api.importKeys(items, dryRun)
  const next = results.values()
  return entries.map((entry) => {
    const { line } = entry
    if ('problem' in entry) return { line, ok: false, text: entry.problem }
    const result = next.next().value
    if (result?.ok) return { line, ok: true, text: result.note ?? '' }
    return { line, ok: false, text: result?.message ?? 'was not answered' }
  })
}
interface KeyTextFieldsProps {
  text: string
  onText: (text: string) => void
}

/** Keys are pasted, or come from a file. */
function KeyTextFields({ text, onText }: KeyTextFieldsProps) {
  async function readFile(file: File | undefined): Promise<void> {
    if (file !== undefined) onText(await file.text())
  }

  return (
    <>
      <label>
        Keys
        <textarea
          rows={8}
          spellcheck={false}
          autocomplete="off"
          value={text}
          onInput={(event) => onText(event.currentTarget.value)}
        />
      </label>
      <label>
        From a file
        <input
          type="file"
          accept=".ndjson,.jsonl,.csv,.json,text/csv"
          onChange={(event) => void readFile(event.currentTarget.files?.[0])}
        />
      </label>
    </>
  )
}

/** How many lines with messages are shown; files may have thousands. */
const mostShown = 200

function Outcomes({
  outcomes,
  good,
  isDone,
}: {
  outcomes: readonly Outcome[]
  good: number
  isDone: boolean
}) {
  const worded = outcomes.filter(({ text }) => text !== '')
  return (
    <>
      <Notice level={good === outcomes.length ? 'good' : 'warn'}>
        {isDone ? `${good} imported` : `${good} can be imported`}, {outcomes.length - good} not.
      </Notice>
      <ul>
        {worded.slice(0, mostShown).map(({ line, ok, text }) => (
          <li key={line}>
            Line {line}: {ok ? (isDone ? 'imported. ' : 'can be imported. ') : ''}
            {text}
          </li>
        ))}
      </ul>
      {worded.length > mostShown && <p>And {worded.length - mostShown} more.</p>}
    </>
  )
}
