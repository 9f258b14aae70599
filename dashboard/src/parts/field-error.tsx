/** What is wrong with a field, at the field. */
export function FieldError({ field, text }: { field: string; text: string | undefined }) {
  if (text === undefined) return null
  return (
    <span id={`error-${field}`} class="hint bad" role="alert">
      {text}
    </span>
  )
}
