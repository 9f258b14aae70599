/**
 * Text that somebody else wrote. It is isolated, so that right-to-left and invisible characters do not
 * reorder the text around it.
 */
export function PlainText({ text, class: className }: { text: string; class?: string }) {
  return (
    <bdi class={className} title={text}>
      {text}
    </bdi>
  )
}
