import { connect, createServer } from 'node:net'

/** A TCP proxy that loses answers: what was asked for happens, and nobody hears of it. */
export interface LosingProxy {
  readonly port: number
  /** The next answer to a message that holds all of these, in this order and over one connection, is lost with its connection. */
  loseAnswerTo(...texts: string[]): void
  /** How many answers were lost. */
  readonly lost: number
  close(): Promise<void>
}

export async function startLosingProxy(host: string, port: number): Promise<LosingProxy> {
  let wanted: readonly string[] = []
  let lost = 0
  const closers = new Set<() => void>()
  const server = createServer((near) => {
    const far = connect(port, host)
    const close = () => {
      near.destroy()
      far.destroy()
      closers.delete(close)
    }
    closers.add(close)
    for (const socket of [near, far]) socket.on('error', close).on('close', close)
    let seen = 0
    let losing = false
    near.on('data', (data) => {
      const text = data.toString('latin1')
      while (seen < wanted.length && text.includes(wanted[seen] as string)) seen++
      if (wanted.length > 0 && seen >= wanted.length) {
        wanted = []
        losing = true
      }
      far.write(data)
    })
    far.on('data', (data) => {
      if (!losing) {
        near.write(data)
        return
      }
      lost++
      close()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as { port: number }).port,
    loseAnswerTo(...texts) {
      wanted = texts
    },
    get lost() {
      return lost
    },
    async close() {
      for (const end of closers) end()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
