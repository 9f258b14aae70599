interface TextListProps {
  label: string
  hideLabel?: boolean
  name: string
  placeholder?: string
  invalid: 'true' | undefined
  value: string
  onInput: (text: string) => void
}

/** Several lines of text, one entry a line. */
export function TextList({ label, hideLabel, name, placeholder, invalid, value, onInput }: TextListProps) {
  return (
    <label>
      <span class={hideLabel ? 'visually-hidden' : undefined}>{label}</span>
      <textarea
        name={name}
        class="mono"
        rows={3}
        spellcheck={false}
        placeholder={placeholder}
        aria-invalid={invalid}
        value={value}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </label>
  )
}
