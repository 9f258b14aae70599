import { expect, it } from 'vitest'
import { next } from '../model/next.ts'
import { allRules } from '../model/rules.ts'
import { keyOf, type State, startOf } from '../model/state.ts'
import { createRandom } from './fuzz/random.ts'
import { length } from './length.ts'
import { createTracedProcess, tickMs } from './processes/traced-process.ts'

const schedules = length(5_000, 300)
const stepsPerSchedule = 80
const leaseTicks = 2
const limits = { leaseTicks, questions: 8, states: 0 }
/** Not both clocks within one lease: nobody then sees how much time has passed. */
const budgetOf = (seed: number) => ({
  changes: 6,
  failovers: 1,
  restores: 2,
  replacements: 0,
  suspensions: seed % 2 === 0 ? 2 : 0,
  setBacks: seed % 2 === 0 ? 0 : 2,
  crashes: 0,
})

/** All states that the model can be in after what was seen. */
class Model {
  readonly trace: string[] = []
  states: State[]

  constructor(seed: number) {
    this.states = [startOf(1, budgetOf(seed))]
  }

  actions(): string[] {
    return next(this.states[0] as State, allRules, limits).map(([action]) => action)
  }

  /** Takes a step that was seen; it must be one that the model can take. */
  take(action: string): void {
    this.trace.push(action)
    const reached = new Map<string, State>()
    for (const state of this.states)
      for (const [name, after] of next(state, allRules, limits))
        if (name === action) reached.set(keyOf(after), after)
    if (reached.size === 0) throw new Error(`no step of the model:\n${this.trace.join('\n')}`)
    this.states = [...reached.values()]
    if (this.states.every(({ violated }) => violated)) throw new Error(`bad state:\n${this.trace.join('\n')}`)
  }
}

const worldActions = /^(time passes|the replica|the dump is restored|another key|the key is ended|the call)/

async function runSchedule(seed: number, seen: Map<string, number>): Promise<void> {
  const random = createRandom(seed)
  const model = new Model(seed)
  const process = createTracedProcess(leaseTicks)
  const { cache, clock, asked } = process
  type Found = Parameters<typeof cache.isCurrent>[0]
  let request: Found | 'none' | 'pending' = 'none'
  const told = new Set<object>()

  function noteQuestions(): void {
    for (const one of asked) {
      if (told.has(one)) continue
      told.add(one)
      model.take(`the process begins a ${one.kind}`)
    }
  }

  function noteFound(found: unknown): void {
    const isGood = typeof found === 'object' && (found as { status: string }).status === 'active'
    request = isGood ? (found as Found) : 'none'
    if (isGood) model.take('the process finds the key good for a request, which waits')
  }

  for (let step = 0; step < stepsPerSchedule; step++) {
    const choices: (() => void)[] = []
    const world = random.chance(0.4) ? model.actions().filter((name) => worldActions.test(name)) : []
    for (const action of world) {
      choices.push(() => {
        model.take(action)
        if (!action.startsWith('time passes')) return
        if (action.includes('suspended')) clock.advanceWallClock(tickMs)
        else clock.advance(tickMs)
        if (action.includes('set back')) clock.advanceWallClock(-tickMs)
      })
    }
    if (!asked.some(({ kind }) => kind === 'poll')) choices.push(() => void cache.refresh().catch(() => {}))
    for (const one of asked) {
      choices.push(() => {
        if (one.ran === undefined) {
          model.take(`the process has its ${one.kind} run on the primary`)
          one.ran = model.states[0]?.primary
        } else {
          model.take(`the process applies its ${one.kind}`)
          process.answer(one)
        }
      })
    }
    if (request === 'none') {
      choices.push(() => {
        const found = process.find()
        if (!(found instanceof Promise)) return noteFound(found)
        request = 'pending'
        found.then(noteFound, () => {
          request = 'none'
        })
      })
    } else if (request !== 'pending') {
      const found = request
      choices.push(() => {
        const isCurrent = cache.isCurrent(found)
        // What was dropped is found anew; the model forgets it as it is dropped.
        if (isCurrent) model.take('the process starts the handler')
        else if (model.actions().includes('the process judges the request anew'))
          model.take('the process judges the request anew')
        request = 'none'
      })
    }
    if (choices.length === 0) continue
    random.pick(choices)()
    await process.settle()
    noteQuestions()
  }
  for (const action of model.trace) seen.set(action, (seen.get(action) ?? 0) + 1)
  cache.close()
}

it(`${schedules} schedules of the real cache are runs of the model`, async () => {
  const seed = Number(process.env.TRACES_SEED ?? Date.now())
  const seen = new Map<string, number>()
  for (let schedule = 0; schedule < schedules; schedule++) {
    try {
      await runSchedule(seed + schedule, seen)
    } catch (error) {
      throw new Error(`TRACES_SEED=${seed + schedule}: ${(error as Error).message}`)
    }
  }
  console.info(`${schedules} schedules (TRACES_SEED=${seed})`, seen)
  expect(seen.get('the process starts the handler')).toBeGreaterThan(schedules / 10)
  expect(seen.get('the call returns')).toBeGreaterThan(schedules / 10)
})
