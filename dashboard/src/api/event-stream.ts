/** One message of a stream of server-sent events. */
export interface StreamMessage {
  event: string
  data: string
}

/**
 * Reads server-sent events from a fetched body: `EventSource` cannot send an Authorization header. Ends with the stream.
 * Line ends, comments and split chunks as in the HTML standard's "Parsing an event stream"; ids are in the data.
 */
export async function* readEventStream(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamMessage> {
  const reader = body.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>).getReader()
  let rest = ''
  let event = 'message'
  let data: string[] = []
  try {
    for (;;) {
      const { value, done } = await reader.read()
      if (done) return
      const lines = (rest + value).split(/\r?\n/)
      rest = lines.pop() ?? ''
      for (const line of lines) {
        if (line === '') {
          if (data.length > 0) yield { event, data: data.join('\n') }
          event = 'message'
          data = []
        } else if (line.startsWith('data:')) {
          data.push(line.slice(line[5] === ' ' ? 6 : 5))
        } else if (line.startsWith('event:')) {
          event = line.slice(6).trim()
        }
      }
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}
