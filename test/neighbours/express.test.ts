import express5 from 'express'
import express4 from 'express4'
import { writeKeyAuth, writeKeyOf } from '../../adapters/express.ts'
import { aroundContract } from './around.ts'
import { expressNeighbours, parsers } from './express-neighbours.ts'
import type { Neighbour, Place } from './neighbour.ts'
import { everyRequest, fewRequests } from './requests.ts'

const majors = [
  ['Express 5', express5],
  ['Express 4', express4 as unknown as typeof express5],
] as const

function tryIn(name: string, express: typeof express5, neighbour: Neighbour, place: Place): void {
  const others = place === 'behind' ? neighbour.behind : neighbour.inFront
  aroundContract(
    `${neighbour.name} ${place} on ${name}`,
    (keys, handled) => {
      const app = express()
      const middleware = neighbour.make(app) as express5.RequestHandler
      if (place === 'in front') app.use(middleware)
      app.use('/v1', writeKeyAuth(keys))
      if (place === 'behind') app.use(middleware)
      app.use('/v1', (req, res) => {
        handled.push({ events: writeKeyOf(req).events, body: req.body })
        res.json({ success: true })
      })
      app.use(((_error, _req, res, _next) => {
        res.sendStatus(_error.status ?? 500)
      }) as express5.ErrorRequestHandler)
      return { listener: app }
    },
    others,
    neighbour.isParser === true ? everyRequest : fewRequests,
  )
}

for (const [name, express] of majors) {
  for (const neighbour of [...parsers(express), ...expressNeighbours]) {
    if (express !== express5 && neighbour.isParser !== true) continue
    for (const place of neighbour.places ?? (['in front', 'behind'] as const)) {
      tryIn(name, express, neighbour, place)
    }
  }
}
