import { useState } from 'preact/hooks'
import { createImportDecoder } from '../../../src/keys/import-decoder.ts'
import { createImportReader, type ImportColumns } from '../../../src/keys/import-text.ts'
import { isUnanswered } from '../api/client.ts'
import type { ImportKey } from '../api/wire.ts'
import { Dialog } from '../parts/dialog.tsx'
import { ErrorNotice, Notice } from '../parts/notice.tsx'
import { useTask } from '../parts/task.ts'
import { TaskButton } from '../parts/task-button.tsx'
import { useApi } from '../session.ts'
import { errorText } from '../words/fields.ts'
import { forEachList } from '../words/list-rules.ts'
import { importAll, type Outcome } from './import-calls.ts'

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

/** What came of a check or of an import, as far as it was answered. */
interface Report {
  outcomes: readonly Outcome[]
  isCheck: boolean
  isWhole: boolean
}

/** Imports keys that were made elsewhere: first a dry run, then the keys that passed it. */
export function ImportKeys({ onClose }: { onClose: () => void }) {
  const { text, take, report, start, busy, error } = useImport()
  const good = report === null ? 0 : countOf('good', report)
  const isDone = report !== null && !report.isCheck && report.isWhole
  const isUnsure = report !== null && !report.isCheck && !report.isWhole
  const mayBeThere = isUnsure || (report !== null && countOf('there', report) > 0)
  return (
    <Dialog
      title="Import keys"
      wide
      loss={
        text.trim() === ''
          ? null
          : `${mayBeThere ? 'Some of these keys may be there already.' : 'These keys have not been imported.'} Throw away what was pasted?`
      }
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
        {report !== null && <Outcomes of={report} />}
      </div>
      <footer class="dialog-foot">
        <button type="button" onClick={onClose}>
          {isDone ? 'Done' : 'Cancel'}
        </button>
        {!isDone && (
          <TaskButton busy={busy} disabled={text.trim() === ''} onClick={() => void start(true)}>
            Check
          </TaskButton>
        )}
        {!isDone && report !== null && (
          <TaskButton
            class="primary"
            busy={busy}
            disabled={!isUnsure && good === 0}
            onClick={() => void start(false)}
          >
            {isUnsure ? 'Import again' : `Import ${good}`}
          </TaskButton>
        )}
      </footer>
    </Dialog>
  )
}

/** What is to be imported, and what came of it. */
function useImport() {
  const api = useApi()
  const [text, setText] = useState('')
  const [report, setReport] = useState<Report | null>(null)

  const task = useTask(async (isCheck: boolean) => {
    const reader = createImportReader(columns)
    const entries = [...reader.push(text), ...reader.end()]
    const outcomes: Outcome[] = []
    const tell = (isWhole: boolean) => setReport({ outcomes: [...outcomes], isCheck, isWhole })
    try {
      for await (const some of importAll(api, entries, isCheck)) {
        outcomes.push(...some)
        tell(false)
      }
    } catch (error) {
      if (isCheck || !isUnanswered(error)) throw error
      tell(false)
      throw new Error(`${errorText(error)} ${isNotKnown}`)
    }
    tell(true)
    // The secrets have done their service.
    if (!isCheck) setText('')
  })

  function take(given: string): void {
    setText(given)
    setReport(null)
  }
  return { text, take, report, ...task }
}

const isNotKnown =
  'It is not known which keys were imported. Importing again is safe: a key that is there already is not imported twice.'

function countOf(kind: Outcome['kind'], { outcomes }: Report): number {
  return outcomes.filter((outcome) => outcome.kind === kind).length
}

function decodeFile(bytes: ArrayBuffer): string {
  const decoder = createImportDecoder()
  return decoder.decode(new Uint8Array(bytes)) + decoder.end()
}

interface KeyTextFieldsProps {
  text: string
  onText: (text: string) => void
}

/** Keys are pasted, or come from a file. */
function KeyTextFields({ text, onText }: KeyTextFieldsProps) {
  async function readFile(file: File | undefined): Promise<void> {
    if (file !== undefined) onText(decodeFile(await file.arrayBuffer()))
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

function Outcomes({ of: report }: { of: Report }) {
  const { outcomes, isCheck, isWhole } = report
  const done = isCheck ? 'can be imported' : 'imported'
  const there = countOf('there', report)
  const repeats = countOf('repeat', report)
  const bad = countOf('bad', report)
  const worded = outcomes.filter(({ text }) => text !== '')
  // What has to be mended comes first.
  const sorted = [
    ...worded.filter(({ kind }) => kind === 'bad'),
    ...worded.filter(({ kind }) => kind !== 'bad'),
  ]
  return (
    <>
      {(isWhole || outcomes.length > 0) && (
        <Notice level={bad === 0 ? 'good' : 'warn'}>
          {countOf('good', report)} {done}
          {there > 0 && `, ${there} there already (from an earlier attempt, or from before)`}
          {repeats > 0 && `, ${repeats} repeat an earlier line`}, {bad} not.
        </Notice>
      )}
      <ul>
        {sorted.slice(0, mostShown).map(({ line, kind, text }) => (
          <li key={line}>
            Line {line}: {kind === 'good' && `${done}. `}
            {text}
          </li>
        ))}
      </ul>
      {worded.length > mostShown && <p>And {worded.length - mostShown} more.</p>}
    </>
  )
}
