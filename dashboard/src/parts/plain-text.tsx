/** Text that somebody else wrote: isolated, so that right-to-left and invisible characters do not reorder what stands around it. */
export function PlainText({ text, class: className }: { text: string; class?: string }) {
  return (
    <bdi class={className} title={text}>
      {text}
    </bdi>
  )
}
