/** Naming errors in options: by class in code, by code or name in code and in documents. */

/** An error's class, or the text of its `code` or `name` (its own or that of what caused it). */
export type ErrorKind = string | (abstract new (...args: any[]) => unknown)

/** How far down the causes are searched: `fetch` hides the system's code in a cause. */
const DEPTH = 4

/** Whether the error is of one of these kinds. */
export function isOneOf(kinds: readonly ErrorKind[], error: unknown): boolean {
  return kinds.some(kind => (typeof kind === 'function' ? error instanceof kind : isNamed(kind, error)))
}

function isNamed(name: string, error: unknown): boolean {
  for (const { code, name: own } of withCauses(error)) if (code === name || own === name) return true
  return false
}

/** An error, what caused it, and so on. */
export function* withCauses(error: unknown): Iterable<any> {
  for (let e: any = error, depth = 0; typeof e === 'object' && e !== null && depth < DEPTH; e = e.cause, depth++) yield e
}

/** What was thrown, as an error: code of the user may throw anything. */
export function errorOf(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}
