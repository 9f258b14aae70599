interface TextListProps {
  label: string
  hideLabel?: boolean
  name: string
  placeholder?: string
  /** Attributes of a control that is at fault. */
  fault: { 'aria-invalid'?: 'true'; 'aria-describedby'?: string }
  value: string
  onInput: (text: string) => void
}

/** Several lines of text, one entry a line. */
export function TextList({ label, hideLabel, name, placeholder, fault, value, onInput }: TextListProps) {
  return (
    <label>
      <span class={hideLabel ? 'visually-hidden' : undefined}>{label}</span>
      <textarea
        name={name}
        class="mono"
        rows={3}
        spellcheck={false}
        placeholder={placeholder}
        value={value}
        onInput={(event) => onInput(event.currentTarget.value)}
        {...fault}
      />
    </label>
  )
}
