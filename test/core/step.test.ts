import { AsyncLocalStorage } from 'node:async_hooks'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { virtualClock } from '../../src/base/time/virtual-clock.ts'
import { Call } from '../../src/core/call.ts'
import { GOES_ON, linkSteps, type Step } from '../../src/core/step.ts'

/** What one step of a random chain does. `waits`: ms until it lets the call in; `cutsAt`: ms after that. */
interface Plan {
  waits: number | undefined
  cutsAt: number | undefined
  replaces: 'nothing' | 'value' | 'error' | 'later'
}

const plan = fc.record<Plan>({
  waits: fc.option(fc.nat(5), { nil: undefined, freq: 4 }),
  cutsAt: fc.option(fc.nat(30), { nil: undefined, freq: 3 }),
  replaces: fc.constantFrom('nothing', 'nothing', 'nothing', 'value', 'error', 'later'),
})

describe('a chain of steps', () => {
  test('tells every step that let a call in, once, from the inside out, whatever waits, fails, answers instead or cuts', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(plan, { minLength: 1, maxLength: 6 }),
        fc.record({ takes: fc.option(fc.nat(25), { nil: undefined }), fails: fc.boolean() }),
        fc.option(fc.nat(5), { nil: undefined, freq: 5 }),
        async (plans, work, refuser) => {
          const clock = virtualClock()
          const told: [step: number, kind: 'in' | 'answered' | 'failed'][] = []
          const cut = new Set<number>()
          const steps = plans.map((p, i): Step<{ cancel(): void } | undefined> => {
            const step: Step<{ cancel(): void } | undefined> = {
              mayCut: p.cutsAt !== undefined,
              admit(_call, run) {
                if (i === refuser) throw new Error(`refused by ${i}`)
                const enter = () => {
                  told.push([i, 'in'])
                  if (p.cutsAt === undefined) return undefined
                  return clock.schedule(p.cutsAt, () => {
                    cut.add(i)
                    run.cut(step, new Error(`cut by ${i}`))
                  })
                }
                return p.waits === undefined
                  ? enter()
                  : new Promise(resolve => clock.schedule(p.waits!, () => resolve(undefined))).then(enter)
              },
              answered(_call, timer, value) {
                timer?.cancel()
                told.push([i, 'answered'])
                if (p.replaces === 'error') throw new Error(`made by ${i}`)
                if (p.replaces === 'value') return `${value}+${i}`
                return p.replaces === 'later' ? new Promise(resolve => clock.schedule(3, () => resolve(value))) : value
              },
              failed(_call, timer) {
                timer?.cancel()
                told.push([i, 'failed'])
                if (p.replaces === 'error') throw new Error(`made by ${i}`)
                if (p.replaces === 'value') return `instead by ${i}`
                return p.replaces === 'later' ? new Promise((_, no) => clock.schedule(3, () => no(new Error(`late ${i}`)))) : GOES_ON
              },
            }
            return step
          })
          const run = linkSteps(steps, () => {
            const end = () => {
              if (work.fails) throw new Error('work')
              return 'work'
            }
            return work.takes === undefined
              ? end()
              : new Promise(resolve => clock.schedule(work.takes!, () => resolve(undefined))).then(end)
          })
          let settled = 0
          const call = new Call(undefined)
          const result = (async () => run(call))().then(
            () => settled++,
            () => settled++,
          )
          await clock.advanceAsync(300)
          await result
          expect(settled).toBe(1)
          let stillRuns = true
          call.afterWork(() => (stillRuns = false))
          expect(stillRuns).toBe(false)
          const entered = told.filter(([, kind]) => kind === 'in').map(([i]) => i)
          expect(entered).toEqual([...entered.keys()])
          for (const i of entered) {
            const ends = told.filter(([at, kind]) => at === i && kind !== 'in').length
            // A step that cut the call knows its end; it is told once more only when the call had already ended outside of it.
            expect(ends).toBeLessThanOrEqual(1)
            if (!cut.has(i)) expect(ends).toBe(1)
          }
        },
      ),
      { numRuns: 400 },
    )
  })

  test('what a step answers instead is what the steps outside of it hear', async () => {
    const heard: unknown[] = []
    const watch: Step<void> = {
      admit() {},
      answered: (_call, _pass, value) => (heard.push(value), value),
      failed: (_call, _pass, error) => (heard.push(error), GOES_ON),
    }
    const rescue: Step<void> = { admit() {}, answered: (_call, _pass, value) => value, failed: async () => 'rescued' }
    const run = linkSteps([watch, rescue, watch], () => Promise.reject('down'))
    expect(await run(new Call(undefined))).toBe('rescued')
    expect(heard).toEqual(['down', 'rescued'])
  })

  test('a cut goes on at once outside, in the caller’s async context, and inside when the work has ended', async () => {
    const clock = virtualClock()
    const context = new AsyncLocalStorage<string>()
    const heard: string[] = []
    const watch = (name: string): Step<void> => ({
      admit() {},
      answered: (_call, _pass, value) => (heard.push(`${name} answered ${context.getStore()} at ${clock.now()}`), value),
      failed: () => (heard.push(`${name} failed ${context.getStore()} at ${clock.now()}`), GOES_ON),
    })
    const limit: Step<void> = {
      mayCut: true,
      admit(_call, run) {
        clock.schedule(10, () => context.run('of the timer', () => run.cut(limit, 'too long')))
      },
      answered: (_call, _pass, value) => value,
      failed: () => GOES_ON,
    }
    const run = linkSteps(
      [watch('outside'), limit, watch('inside')],
      () => new Promise(resolve => clock.schedule(30, () => resolve('late'))),
    )
    const call = new Call(undefined)
    const result = context.run('of the caller', () => Promise.resolve(run(call)).catch(error => `${error} at ${clock.now()}`))
    call.afterWork(() => heard.push('never: nothing was left running yet'))
    heard.length = 0
    await clock.advanceAsync(20)
    expect(await result).toBe('too long at 10')
    call.afterWork(() => heard.push(`work ended at ${clock.now()}`))
    await clock.advanceAsync(20)
    expect(heard).toEqual(['outside failed of the caller at 10', 'inside answered of the caller at 30', 'work ended at 30'])
  })
})
