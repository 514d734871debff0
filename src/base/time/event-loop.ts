/**
 * The runtime's own ways to run something soon, taken when this module is loaded. Tests fake the global ones: what waits for a fake turn
 * that never comes would hang, and so would every later request that relies on it. Node's own HTTP does the same.
 */

/** `setImmediate` and its kind carry this mark when Sinon, Jest or Vitest has replaced them. */
type Replaceable = ((...given: any[]) => unknown) & { clock?: unknown }

/** Whether a global function is a fake that says so. */
export function isMarkedFake(global: unknown): boolean {
  return (global as Replaceable | undefined)?.clock !== undefined
}

/** Runs something after the work underway and whatever the event loop has ready. */
export const runInNextTurn: (run: () => void) => unknown = /* @__PURE__ */ turnOfRuntime()

/** Runs something after the work underway, before the event loop goes on. */
export const runInMicrotask: (run: () => void) => void = /* @__PURE__ */ microtaskOfRuntime()

/** Runs something in a while, ms of real time: for bytes that are on their way, which no fake clock holds back. */
export const runAfter: (delay: number, run: () => void) => void = /* @__PURE__ */ timeoutOfRuntime()

/** Whether the runtime has turns that keep a process alive, as those of Node, Deno and Bun do. */
export const hasImmediates: boolean = /* @__PURE__ */ (() => immediateOfRuntime() !== undefined)()

function immediateOfRuntime(): ((run: () => void) => unknown) | undefined {
  const { process, setImmediate } = globalThis as Partial<Pick<typeof globalThis, 'process' | 'setImmediate'>>
  // Under Jest the global may be a fake from the start; the module is not.
  return [process?.getBuiltinModule?.('node:timers')?.setImmediate, setImmediate].find(
    found => typeof found === 'function' && !isMarkedFake(found),
  )
}

function timeoutOfRuntime(): (delay: number, run: () => void) => void {
  const { process } = globalThis as Partial<Pick<typeof globalThis, 'process'>>
  const timer =
    [process?.getBuiltinModule?.('node:timers')?.setTimeout, setTimeout].find(found => found && !isMarkedFake(found)) ?? setTimeout
  return (delay, run) => timer(run, delay)
}

function turnOfRuntime(): (run: () => void) => unknown {
  const immediate = immediateOfRuntime()
  if (immediate !== undefined) return immediate
  if (typeof MessageChannel === 'undefined') {
    const timer = setTimeout
    return run => timer(run, 0)
  }
  // Browsers make timers that follow each other wait for 4 ms; messages do not wait.
  let port: MessagePort | undefined
  const waiting: (() => void)[] = []
  return run => {
    if (port === undefined) {
      const { port1, port2 } = new MessageChannel()
      port1.onmessage = () => waiting.shift()!()
      port = port2
    }
    waiting.push(run)
    port.postMessage(undefined)
  }
}

function microtaskOfRuntime(): (run: () => void) => void {
  const microtask = queueMicrotask
  return isMarkedFake(microtask) ? run => void Promise.resolve().then(run) : microtask
}
