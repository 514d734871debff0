/** Functions that are handed to Node's event emitters: what they throw would end the process. */

/** `run` as a callback that never throws: `failed` gets what it throws, or rejects with. */
export function contained<A extends unknown[]>(
  run: (...args: A) => unknown,
  failed: (error: unknown, ...args: A) => void,
): (...args: A) => void {
  const fail = (error: unknown, args: A): void => {
    try {
      failed(error, ...args)
    } catch {
      // Nothing is left to be done for this request.
    }
  }
  return (...args) => {
    try {
      const result = run(...args)
      if (result instanceof Promise) result.catch(error => fail(error, args))
    } catch (error) {
      fail(error, args)
    }
  }
}
