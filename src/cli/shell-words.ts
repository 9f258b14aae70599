/** What ends a command in a shell, unquoted. */
const ends = new Set(['|', ';', '&', '<', '>', '\n'])

/**
 * The words of the first command in a text, as a shell would split it: quotes of both kinds, `$'…'`, escapes
 * and continued lines, those of PowerShell and of Windows' `cmd` too. Variables stay as they are written.
 */
export function shellWords(pasted: string): string[] {
  const text = joinLines(pasted)
  const words: string[] = []
  let word: string | undefined
  for (let at = 0; at < text.length; ) {
    const character = text[at] as string
    if (ends.has(character)) {
      // `2>`: the number belongs to the redirection.
      if (character === '>' && word !== undefined && /^\d$/.test(word)) word = undefined
      break
    }
    if (/\s/.test(character) || (character === '#' && word === undefined)) {
      if (character === '#') break
      if (word !== undefined) words.push(word)
      word = undefined
      at += 1
      continue
    }
    const part = readPart(text, at)
    word = (word ?? '') + part.text
    at = part.end
  }
  if (word !== undefined) words.push(word)
  return words
}

function joinLines(pasted: string): string {
  const text = pasted.replace(/\r\n?/g, '\n')
  // Carets escape in `cmd`, which browsers write out in full: ^"…^".
  if (/\^(?:\n|")/.test(text)) return text.replace(/\^\n/g, ' ').replace(/\^(.)/g, '$1')
  return text.replace(/(?:\s`|\\)\n/g, (end) => (end.startsWith('\\') ? '' : ' '))
}

interface Part {
  text: string
  end: number
}

function readPart(text: string, at: number): Part {
  const character = text[at] as string
  if (character === "'") return untilQuote(text, at + 1)
  if (character === '"')
    return readQuoted(text, at + 1, '"', (next) => ('"\\$`'.includes(next) ? next : `\\${next}`))
  if (character === '$' && text[at + 1] === "'") return readQuoted(text, at + 2, "'", plainEscape)
  if (character === '\\' && at + 1 < text.length) return { text: text[at + 1] as string, end: at + 2 }
  return { text: character, end: at + 1 }
}

function untilQuote(text: string, start: number): Part {
  const close = text.indexOf("'", start)
  const end = close < 0 ? text.length : close
  return { text: text.slice(start, end), end: end + 1 }
}

function readQuoted(text: string, start: number, quote: string, escaped: (next: string) => string): Part {
  let read = ''
  let at = start
  for (; at < text.length && text[at] !== quote; at++) {
    if (text[at] !== '\\' || at + 1 === text.length) read += text[at]
    else {
      const code =
        quote === "'"
          ? /^(?:x[0-9a-f]{1,2}|u[0-9a-f]{1,4})/i.exec(text.slice(at + 1, at + 6))?.[0]
          : undefined
      read +=
        code === undefined
          ? escaped(text[at + 1] as string)
          : String.fromCharCode(Number.parseInt(code.slice(1), 16))
      at += code?.length ?? 1
    }
  }
  return { text: read, end: at + 1 }
}

const controls: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' }

function plainEscape(next: string): string {
  return controls[next] ?? next
}
