import { FieldError } from '../parts/field-error.tsx'
import { senderShareOf, sources } from '../words/source-defaults.ts'
import { faultOf, type KeyFormPart } from './key-form.tsx'
import type { KeyFormState } from './key-form-state.ts'

export function RateField({ form, set, problem }: KeyFormPart) {
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
          <label>
            Rate limit <span class="muted">events per second</span>
            <input
              name="rate_limit_eps"
              type="number"
              min="0.001"
              max="1000000"
              step="any"
              aria-describedby="rate-hint"
              value={form.rate}
              onInput={(event) => set({ rate: event.currentTarget.value })}
              {...faultOf(problem, 'rate_limit_eps')}
            />
            <FieldError field="rate_limit_eps" text={problem('rate_limit_eps')} />
          </label>
        )}
      </div>
      <span id="rate-hint" class="hint">
        {sources[form.source].rateHint}
      </span>
    </fieldset>
  )
}

/** A share is suggested to who chooses one, so that nobody has to think of a number. */
export function SenderRateField({ form, set, problem }: KeyFormPart) {
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
          <label>
            One address <span class="muted">events per second</span>
            <input
              name="sender_rate_limit_eps"
              type="number"
              min="0.001"
              max="1000000"
              step="any"
              value={form.senderRate}
              onInput={(event) => set({ senderRate: event.currentTarget.value })}
              {...faultOf(problem, 'sender_rate_limit_eps')}
            />
            <FieldError field="sender_rate_limit_eps" text={problem('sender_rate_limit_eps')} />
          </label>
        )}
      </div>
      <span class="hint">
        {form.source === 'web' && suggested !== ''
          ? `Keeps one visitor from using the key up for all. For a web key a tenth of its rate is usual: ${suggested}.`
          : 'Keeps one address from using the key up for all. Offices and mobile networks share one address.'}
      </span>
    </fieldset>
  )
}
