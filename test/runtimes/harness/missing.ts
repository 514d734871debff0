/** What a runtime does not have. Whoever touches it skips the test. */
export class NotHere extends Error {}

export const MARK = 'not in this runtime:'

export function missing(name: string): any {
  const refuse = (): never => {
    throw new NotHere(`${MARK} ${name}`)
  }
  return new Proxy(class {}, {
    get: (target, key) => (key === 'prototype' ? target.prototype : typeof key === 'symbol' ? undefined : refuse()),
    apply: refuse,
    construct: refuse,
  })
}
