/** The part of Vitest that our tests use, for runtimes in which Vitest does not run. Its `expect` is Vitest's own. */
import { install } from '@sinonjs/fake-timers'
import { customMatchers, JestAsymmetricMatchers, JestChaiExpect, JestExtend } from '@vitest/expect'
import { fn, restoreAllMocks, spyOn } from '@vitest/spy'
import * as chai from 'chai'
import { MARK, NotHere } from './missing.ts'

chai.use(JestExtend)
chai.use(JestChaiExpect)
chai.use(JestAsymmetricMatchers)

export const expect: any = Object.assign((value: unknown, message?: string) => chai.expect(value, message), chai.expect)
expect.extend(expect, customMatchers)
const polled = (read: () => unknown, not: boolean, { timeout = 1000, interval = 20 }: { timeout?: number; interval?: number }): any =>
  new Proxy(
    {},
    {
      get(_, matcher: string) {
        if (matcher === 'not') return polled(read, true, { timeout, interval })
        return async (...given: unknown[]) => {
          for (const end = Date.now() + timeout; ; ) {
            try {
              const seen = expect(await read())
              return await (not ? seen.not : seen)[matcher](...given)
            } catch (error) {
              if (Date.now() > end) throw error
              await new Promise(resolve => realTimeout(resolve, interval))
            }
          }
        }
      },
    },
  )
expect.poll = (read: () => unknown, options = {}) => polled(read, false, options)
expect.unreachable = (message = 'should not be reached') => {
  throw new Error(message)
}
const endless: any = new Proxy(() => endless, { get: () => endless })
export const expectTypeOf = endless

type Run = (...given: any[]) => unknown
interface Group {
  name: string
  parent: Group | undefined
  tests: (Case | Group)[]
  hooks: Record<'beforeAll' | 'beforeEach' | 'afterEach' | 'afterAll', Run[]>
}
interface Case {
  name: string
  run: Run | undefined
  timeout: number
}
export interface Result {
  file: string
  name: string
  state: 'passed' | 'failed' | 'skipped'
  reason?: string
}

const group = (name: string, parent?: Group): Group => ({
  name,
  parent,
  tests: [],
  hooks: { beforeAll: [], beforeEach: [], afterEach: [], afterAll: [] },
})
let current = group('')
const realTimeout = setTimeout
const stopTimeout = clearTimeout

const hook = (kind: keyof Group['hooks']) => (run: Run) => void current.hooks[kind].push(run)
export const beforeAll = hook('beforeAll')
export const beforeEach = hook('beforeEach')
export const afterEach = hook('afterEach')
export const afterAll = hook('afterAll')

function titled(name: string, given: unknown[], index: number): string {
  const left = [...given]
  const [first] = given
  return name
    .replace(/%[sdifjo#]/g, form => (form === '%#' ? String(index) : show(left.shift(), form)))
    .replace(/\$([\w.]+)/g, (whole, path: string) => {
      const found = path.split('.').reduce((value: any, key) => value?.[key], first)
      return found === undefined ? whole : show(found, '%s')
    })
}
const show = (value: unknown, form: string): string => {
  try {
    return form === '%s' && typeof value !== 'object' ? String(value) : (JSON.stringify(value) ?? String(value))
  } catch {
    return String(value)
  }
}

type Options = { timeout?: number; retry?: number } | number
const register = (name: string, one?: Options | Run, other?: Options | Run): void => {
  const run = (typeof one === 'function' ? one : other) as Run | undefined
  const options = (typeof one === 'function' ? other : one) as Options | undefined
  current.tests.push({ name, run, timeout: (typeof options === 'number' ? options : options?.timeout) ?? 20_000 })
}
const eachOf =
  (make: (name: string, run: any, options: any) => void) =>
  (table: readonly unknown[]) =>
  (name: string, one: any, other?: any): void =>
    table.forEach((row, index) => {
      const given = Array.isArray(row) ? row : [row]
      const [run, options] = typeof one === 'function' ? [one, other] : [other, one]
      make(titled(name, given, index), (...more: unknown[]) => run(...given, ...more), options)
    })
const skipped = (name: string) => register(name, undefined)
export const test: any = Object.assign((name: string, one?: any, other?: any) => register(name, one, other), {
  each: eachOf((name, run, options) => register(name, options ?? {}, run)),
  skip: skipped,
  skipIf: (unless: unknown) => (unless ? skipped : register),
  runIf: (wanted: unknown) => (wanted ? register : skipped),
})
test.concurrent = test
export const it = test

const inGroup = (name: string, _: unknown, run: Run): void => {
  const made = group(name, current)
  current.tests.push(made)
  current = made
  run()
  current = made.parent!
}
export const describe: any = Object.assign((name: string, one: any, other?: any) => inGroup(name, undefined, other ?? one), {
  each: eachOf((name, run) => inGroup(name, undefined, run)),
  skipIf: (unless: unknown) => (unless ? () => {} : describe),
})
describe.concurrent = describe

const files: [name: string, load: () => Promise<unknown>][] = []
export function file(name: string, load: () => Promise<unknown>): void {
  files.push([name, load])
}

/** Runs every file, one test after the other. */
export async function runFiles(report: (result: Result) => void, only = ''): Promise<void> {
  for (const [name, load] of files) {
    if (!name.includes(only)) continue
    current = group('')
    try {
      await load()
    } catch (error) {
      report({ file: name, name: '', ...stateOf(error) })
      continue
    }
    await runGroup(current, name, [], report)
  }
}

async function runGroup(of: Group, file: string, path: string[], report: (result: Result) => void): Promise<void> {
  const above: Group[] = []
  for (let at: Group | undefined = of; at !== undefined; at = at.parent) above.unshift(at)
  try {
    for (const run of of.hooks.beforeAll) await run()
  } catch (error) {
    report({ file, name: [...path, 'beforeAll'].join(' > '), ...stateOf(error) })
    return
  }
  for (const one of of.tests) {
    const name = [...path, one.name]
    if ('tests' in one) await runGroup(one, file, name, report)
    else report({ file, name: name.join(' > '), ...(await outcome(one, above)) })
  }
  for (const run of of.hooks.afterAll) await run()
}

async function outcome({ run, timeout }: Case, above: Group[]): Promise<Omit<Result, 'file' | 'name'>> {
  if (run === undefined) return { state: 'skipped', reason: 'skipped by the test itself' }
  let timer: any
  const late = new Promise<never>((_, reject) => {
    timer = realTimeout(() => reject(new Error(`took longer than ${timeout} ms`)), timeout)
  })
  const work = async () => {
    try {
      for (const { hooks } of above) for (const before of hooks.beforeEach) await before()
      await run({ skip: notHere, task: {}, expect })
    } finally {
      for (const { hooks } of above.toReversed()) for (const after of hooks.afterEach) await after()
    }
  }
  try {
    await Promise.race([work(), late])
    return { state: 'passed' }
  } catch (error) {
    return stateOf(error)
  } finally {
    stopTimeout(timer)
  }
}

const notHere = (reason = 'not in this runtime'): never => {
  throw new NotHere(`${MARK} ${reason}`)
}
/** What is missing may have been wrapped by the code under test, or printed by fast-check. */
const isMissing = (error: any): boolean =>
  error instanceof NotHere || String(error?.stack ?? error).includes(MARK) || (error?.cause !== undefined && isMissing(error.cause))
const stateOf = (error: any): { state: 'failed' | 'skipped'; reason: string } => ({
  state: isMissing(error) ? 'skipped' : 'failed',
  reason: error instanceof NotHere ? error.message : String(error?.stack ?? error).slice(0, 2000),
})

let clock: ReturnType<typeof install> | undefined
export const vi: any = {
  useFakeTimers(config: { toFake?: any[]; now?: number } = {}) {
    clock?.uninstall()
    const toNotFake = ['nextTick', 'queueMicrotask'] as any[]
    clock = install({ now: config.now ?? Date.now(), ...(config.toFake === undefined ? { toNotFake } : { toFake: config.toFake }) } as any)
  },
  useRealTimers() {
    clock?.uninstall()
    clock = undefined
  },
  advanceTimersByTime: (ms: number) => void clock!.tick(ms),
  advanceTimersByTimeAsync: async (ms: number) => void (await clock!.tickAsync(ms)),
  runAllTimers: () => void clock!.runAll(),
  clearAllTimers: () => clock!.reset(),
  getTimerCount: () => clock!.countTimers(),
  setSystemTime: (now: number) => clock!.setSystemTime(now),
  hoisted: () => notHere('modules of a bundle cannot be replaced'),
  mock: () => notHere('modules of a bundle cannot be replaced'),
  resetModules: () => notHere('modules of a bundle are loaded once'),
  waitFor: async (check: () => unknown, { timeout = 1000, interval = 20 } = {}) => {
    for (const end = Date.now() + timeout; ; ) {
      try {
        return await check()
      } catch (error) {
        if (Date.now() > end) throw error
        await new Promise(resolve => realTimeout(resolve, interval))
      }
    }
  },
  fn,
  spyOn: (object: any, name: string) => (name in object ? spyOn(object, name) : notHere(name)),
  restoreAllMocks,
}
