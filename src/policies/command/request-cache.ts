/** Results of a command within one request, as Hystrix's request cache has them: the first call of a key makes the answer for all, a failure too. */

export class RequestCache {
  /** By the request's own object, so that it is gone with it. */
  readonly #requests = new WeakMap<object, Map<string, Promise<unknown>>>()
  /** Answers of calls that were given up: nobody else may get these. */
  readonly #cancelled = new WeakSet<Promise<unknown>>()

  get(request: object, key: string): Promise<unknown> | undefined {
    return this.#requests.get(request)?.get(key)
  }

  set(request: object, key: string, answer: Promise<unknown>): void {
    let answers = this.#requests.get(request)
    if (answers === undefined) this.#requests.set(request, (answers = new Map()))
    answers.set(key, answer)
  }

  clear(request: object, key: string): void {
    this.#requests.get(request)?.delete(key)
  }

  cancel(request: object, key: string, answer: Promise<unknown>): void {
    this.#cancelled.add(answer)
    if (this.get(request, key) === answer) this.clear(request, key)
  }

  wasCancelled(answer: Promise<unknown>): boolean {
    return this.#cancelled.has(answer)
  }
}
