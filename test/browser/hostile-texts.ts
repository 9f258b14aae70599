const payloads = [
  '<script>hacked=1</script>',
  '<img src=x onerror=hacked=1>',
  '"><svg onload=hacked=1>',
  "'-alert(1)-'",
  '</title><script>alert(1)</script>',
  '<iframe srcdoc="<script>parent.hacked=1</script>">',
  'javascript:alert(1)',
  '{{constructor.constructor("hacked=1")()}}',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of an attack
  '${hacked=1}',
  '<math><mtext><table><mglyph><style><img src=x onerror=hacked=1>',
  '<noscript><p title="</noscript><img src=x onerror=hacked=1>">',
  '&lt;script&gt;hacked=1&lt;/script&gt;',
  '&#60;img src=x onerror=hacked=1&#62;',
  '<a href="javascript:hacked=1">click</a>',
  '--><script>hacked=1</script>',
  ']]><script>hacked=1</script>',
  '\u202Emoc.live\u202C',
  'Web\u200BApp',
  '\u2066\u2067rtl\u2069',
  'مفتاح الكتابة',
]
const frames = [
  (text: string) => text,
  (text: string) => `Web App ${text}`,
  (text: string) => `${text} "quoted" '`,
  (text: string) => `a&b=${text}#/keys/`,
  (text: string) => `__proto__ ${text} 😀`,
]

/** 100 texts that become markup, a program, or another text wherever they are not treated as text. */
export const hostileTexts: readonly string[] = payloads.flatMap((payload) =>
  frames.map((frame) => frame(payload)),
)
