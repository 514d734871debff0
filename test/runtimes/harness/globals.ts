/** Globals and functions of Node that the tests, not the code under test, use: here as far as the web can do it. */
import { missing } from './missing.ts'

export const Buffer = missing('Buffer')
export const process: any = new Proxy({ env: {} }, { get: (own: any, key) => own[key] ?? missing('process')[key] })

const channel = new MessageChannel()
const waiting: (() => void)[] = []
channel.port1.onmessage = () => waiting.shift()!()
const native = (globalThis as { setImmediate?: (run: () => void) => void }).setImmediate
export function setImmediate(run: () => void): void {
  if (native !== undefined) return native(run)
  waiting.push(run)
  channel.port2.postMessage(undefined)
}

/** Listeners for `abort`, counted from the moment this file is loaded. */
const listeners = new WeakMap<EventTarget, unknown[]>()
const { addEventListener, removeEventListener } = AbortSignal.prototype
AbortSignal.prototype.addEventListener = function (this: AbortSignal, type: string, listener: any, options: any) {
  addEventListener.call(this, type, listener, options)
  const known = listeners.get(this) ?? []
  if (!known.includes(listener)) known.push(listener)
  listeners.set(this, known)
} as never
AbortSignal.prototype.removeEventListener = function (this: AbortSignal, type: string, listener: any, options: any) {
  removeEventListener.call(this, type, listener, options)
  listeners.set(
    this,
    (listeners.get(this) ?? []).filter(one => one !== listener),
  )
} as never
export const getEventListeners = (target: EventTarget): unknown[] => listeners.get(target) ?? []
