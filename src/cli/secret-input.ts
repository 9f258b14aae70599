import { CliError, exitCodes } from './cli-error.ts'
import { noteLine, type Terminal } from './terminal.ts'

/** Longest text with a secret that is read from standard input, in characters. */
const maxInputLength = 4_096
const ctrlC = '\u0003'
/** Enter, as terminals and pastes spell it, and Ctrl-D. */
const lineEnds = ['\r', '\n', '\u0004']

/**
 * What standard input holds, for a secret: never taken from the command line, where every user of the machine
 * sees it. On a terminal one line, which is not shown while it is typed or pasted.
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
      text += String(chunk)
      const isOver = lineEnds.some((end) => text.includes(end))
      if (text.includes(ctrlC)) {
        stop()
        reject(new CliError(exitCodes.refused, 'Interrupted; nothing was done.'))
      } else if (isOver || text.length > maxInputLength) finish()
    }
    const finish = () => {
      stop()
      resolve(lineEnds.reduce((line, end) => line.split(end, 1)[0] as string, text).trim())
    }
    function stop(): void {
      stdin.off('data', read).off('end', finish).pause()
      stdin.setRawMode?.(false)
    }
    stdin.on('data', read).once('end', finish)
  })
}
