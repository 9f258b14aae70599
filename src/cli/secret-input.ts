import { CliError, exitCodes } from './cli-error.ts'
import { noteLine, type Terminal } from './terminal.ts'

/** Longest text with a secret that is read from standard input, in characters. */
const maxInputLength = 65_536
const ctrlC = '\u0003'
const ctrlD = '\u0004'
/** Enter, as terminals and pastes spell it. Not of a line that goes on, as those of shells can. */
const lineEnd = /(?<![\\^`]\r?)[\r\n]/

/**
 * What standard input holds, for a secret: never taken from the command line, where every user of the machine
 * sees it. On a terminal one line, with those that continue it, which is not shown while it is typed or pasted.
 */
export async function readSecretInput(terminal: Terminal): Promise<string> {
  const { stdin } = terminal
  if (stdin.isTTY === true) {
    noteLine(terminal, 'Paste the secret and press Enter; it is not shown:')
    return readHiddenLine(terminal)
  }
  let text = ''
  for await (const chunk of stdin) {
    text += String(chunk)
    if (text.length > maxInputLength) break
  }
  return text.trim()
}

function readHiddenLine({ stdin }: Terminal): Promise<string> {
  stdin.setRawMode?.(true)
  let text = ''
  return new Promise<string>((resolve, reject) => {
    const read = (chunk: unknown) => {
      text += String(chunk).replaceAll(ctrlD, '\n')
      const isOver = lineEnd.test(text)
      if (text.includes(ctrlC)) {
        stop()
        reject(new CliError(exitCodes.refused, 'Interrupted; nothing was done.'))
      } else if (isOver || text.length > maxInputLength) finish()
    }
    const finish = () => {
      stop()
      resolve((text.split(lineEnd, 1)[0] as string).trim())
    }
    function stop(): void {
      stdin.off('data', read).off('end', finish).pause()
      stdin.setRawMode?.(false)
    }
    stdin.on('data', read).once('end', finish)
  })
}
