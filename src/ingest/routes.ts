import type { BodyForm, IngestRequest } from '../http/ingest-request.ts'
import type { SenderBodyForm } from './body-form.ts'
import { type Sender, type SenderName, senders } from './senders.ts'

/** What the path says about a request: whose it is and how to read it. */
export interface IngestRoute {
  /** Null for `/v1/check`, which ingests nothing. */
  readonly sender: Sender | null
  /** As in the table of senders: `:key` stands for the key. */
  readonly path: string
  readonly methods: readonly string[]
  /** The sender's format of this path, if not plain JSON. */
  readonly form: BodyForm | SenderBodyForm | undefined
  /** Added to the neutral request. */
  readonly reading: Required<Pick<IngestRequest, 'credentials' | 'batchFields' | 'eventType'>> &
    Pick<IngestRequest, 'bodyForm'>
}

/** Finds the route of a path within the mount point; undefined when it belongs to nobody. */
export type FindRoute = (path: string) => IngestRoute | undefined

/**
 * Paths match in any case, with or without a slash at the end. A path of several senders accepts the keys of
 * all of them.
 */
export function createRoutes(names: readonly SenderName[]): FindRoute {
  const literal = new Map<string, IngestRoute>()
  const keyed: { pattern: RegExp; route: IngestRoute }[] = []

  for (const sender of names.map((name) => senders[name])) {
    const { methods, credentials, batchFields } = sender
    for (const { path, eventType, form = sender.form } of sender.routes) {
      const known = literal.get(path)
      const route: IngestRoute = {
        sender: known?.sender ?? sender,
        path,
        methods,
        form,
        reading: {
          credentials: mergeLists(known?.reading.credentials, credentials),
          batchFields: mergeLists(known?.reading.batchFields, batchFields),
          eventType,
          ...(form !== undefined && { bodyForm: form }),
        },
      }
      if (path.includes(':key')) keyed.push({ pattern: toPattern(path), route })
      else literal.set(path, route)
    }
  }
  const everywhere = names.flatMap((name) =>
    senders[name].credentials.filter((place) => place === 'basic' || place === 'query'),
  )
  literal.set('/v1/check', {
    sender: null,
    path: '/v1/check',
    methods: ['GET', 'HEAD'],
    form: undefined,
    reading: { credentials: mergeLists(['basic'], everywhere), batchFields: ['batch'], eventType: 'batch' },
  })

  return function findRoute(path) {
    const asSent = path.toLowerCase()
    const plain = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
    return (
      literal.get(asSent) ??
      literal.get(plain.toLowerCase()) ??
      literal.get(`${asSent}/`) ??
      keyed.find(({ pattern }) => pattern.test(plain))?.route
    )
  }
}

/** Frozen, so that verification compiles each list once. */
function mergeLists<T>(known: unknown, added: readonly T[]): readonly T[] {
  const list = known === undefined ? [] : (known as readonly T[])
  return Object.freeze([...list, ...added.filter((one) => !list.includes(one))])
}

function toPattern(path: string): RegExp {
  return new RegExp(`^${path.replaceAll('.', '\\.').replace(':key', '[^/]+')}$`, 'i')
}
