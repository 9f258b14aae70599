import { FieldError } from '../parts/field-error.tsx'
import { isOfOneWorkspace } from '../session.ts'
import { formatCount } from '../words/format.ts'
import { senderShareOf, sources } from '../words/source-defaults.ts'
import { faultOf, type KeyFormPart } from './key-form.tsx'
import type { KeyFormState } from './key-form-state.ts'
import type { KeyMeans } from './key-means.ts'

type RatePart = KeyFormPart & { means: KeyMeans }

export function RateField({ form, set, problem, means }: RatePart) {
  return (
    <fieldset>
      <legend>Limit</legend>
      <div class="choice">
        <select
          aria-label="Which limit"
          value={form.rateMode}
          onChange={(event) => set({ rateMode: event.currentTarget.value as KeyFormState['rateMode'] })}
        >
          <option value="own">Own limit</option>
          <option value="default">Default of the plan or application</option>
        </select>
        {form.rateMode === 'own' && (
          <RateInput
            label="Rate limit"
            field="rate_limit_eps"
            describedBy="rate-hint"
            value={form.rate}
            onInput={(rate) => set({ rate })}
            problem={problem}
          />
        )}
      </div>
      <span id="rate-hint" class="hint">
        {form.rateMode === 'own'
          ? `${sources[form.source].rateHint}${mostOf(means.rate)}`
          : defaultOf(means.rate)}
      </span>
    </fieldset>
  )
}

/** Suggests a share, so that nobody has to think of a number. */
export function SenderRateField({ form, set, problem, means }: RatePart) {
  const suggested = senderShareOf(form.rateMode === 'own' ? Number(form.rate) : null)
  return (
    <fieldset>
      <legend>Share of one sender</legend>
      <div class="choice">
        <select
          aria-label="Share of one sender"
          value={form.senderMode}
          onChange={(event) => {
            const senderMode = event.currentTarget.value as KeyFormState['senderMode']
            set({ senderMode, ...(form.senderRate === '' && { senderRate: suggested }) })
          }}
        >
          <option value="default">That of the plan, or the whole rate</option>
          <option value="own">At most</option>
        </select>
        {form.senderMode === 'own' && (
          <RateInput
            label="One address"
            field="sender_rate_limit_eps"
            value={form.senderRate}
            onInput={(senderRate) => set({ senderRate })}
            problem={problem}
          />
        )}
      </div>
      <span class="hint">
        {form.source === 'web' && suggested !== ''
          ? `Keeps one visitor from using the key up for all. For a web key a tenth of its rate is usual: ${suggested}.`
          : 'Keeps one address from using the key up for all. Offices and mobile networks share one address.'}
        {form.senderMode === 'own' && mostOf(means.senderRate)}
      </span>
    </fieldset>
  )
}

const inWords = (rate: number) => `${formatCount(rate)} events per second`

/** What whoever has a plan may set at most, after a sentence. */
function mostOf(rate: KeyMeans['rate']): string {
  if (!isOfOneWorkspace() || rate === null) return ''
  return rate === undefined ? ' Your plan may allow less.' : ` Your plan allows ${inWords(rate)} at most.`
}

function defaultOf(rate: KeyMeans['rate']): string {
  if (rate === undefined) return 'A plan, or else the application, says how many events per second.'
  return rate === null ? 'There is none: the key may send any number.' : `That is ${inWords(rate)}.`
}

interface RateInputProps {
  label: string
  field: string
  describedBy?: string
  value: string
  onInput: (value: string) => void
  problem: KeyFormPart['problem']
}

function RateInput({ label, field, describedBy, value, onInput, problem }: RateInputProps) {
  return (
    <label>
      {label} <span class="muted">events per second</span>
      <input
        name={field}
        type="number"
        min="0.001"
        max="1000000"
        step="any"
        {...(describedBy !== undefined && { 'aria-describedby': describedBy })}
        value={value}
        onInput={(event) => onInput(event.currentTarget.value)}
        {...faultOf(problem, field)}
      />
      <FieldError field={field} text={problem(field)} />
    </label>
  )
}
