/** Answers the messages of a test by name: the child's end of `spawn.ts`. */
export function answerMessages(handlers: Record<string, (message: never) => unknown>): void {
  process.on('message', async (message: { type: string; number: number }) => {
    try {
      const handler = handlers[message.type]
      if (handler === undefined) throw new Error(`nobody answers ${message.type}`)
      process.send?.({ answers: message.number, answer: await handler(message as never) })
    } catch (error) {
      process.send?.({ answers: message.number, error: String(error) })
    }
  })
  process.on('disconnect', () => process.exit())
  process.send?.({ ready: true })
}

export function readOptions<Options>(): Options {
  return JSON.parse(process.argv[2] as string) as Options
}

/** Milliseconds on the one clock that all processes of a machine share. */
export function sharedNow(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000
}
