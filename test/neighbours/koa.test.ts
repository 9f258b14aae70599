import Koa3 from 'koa'
import Koa2 from 'koa2'
import { writeKeyAuth } from '../../adapters/koa.ts'
import { aroundContract } from './around.ts'
import { koaNeighbours } from './koa-neighbours.ts'
import type { Neighbour, Place } from './neighbour.ts'
import { everyRequest, fewRequests } from './requests.ts'

const majors = [
  ['Koa 3', Koa3],
  ['Koa 2', Koa2 as unknown as typeof Koa3],
] as const

function tryIn(name: string, Koa: typeof Koa3, neighbour: Neighbour, place: Place): void {
  const others = place === 'behind' ? neighbour.behind : neighbour.inFront
  aroundContract(
    `${neighbour.name} ${place} on ${name}`,
    (keys, handled) => {
      const app = new Koa()
      app.silent = true
      const middleware = neighbour.make(app) as Koa3.Middleware
      if (place === 'in front') app.use(middleware)
      app.use(writeKeyAuth(keys))
      if (place === 'behind') app.use(middleware)
      app.use((ctx) => {
        handled.push({ events: ctx.state.writeKey.events, body: ctx.request.body })
        ctx.body = { success: true }
      })
      return { listener: app.callback() }
    },
    others,
    neighbour.isParser === true ? everyRequest : fewRequests,
  )
}

for (const [name, Koa] of majors) {
  for (const neighbour of koaNeighbours) {
    if (Koa !== Koa3 && neighbour.isParser !== true) continue
    for (const place of neighbour.places ?? (['in front', 'behind'] as const)) {
      tryIn(name, Koa, neighbour, place)
    }
  }
}
