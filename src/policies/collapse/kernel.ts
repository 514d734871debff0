/** Which items go together, who waits for which, and when a batch is full. No clock, no timer, no promise. */

/** One place in a batch: an item, and all who asked for it. */
export class Place<Item, Waiter> {
  readonly item: Item
  readonly waiters = new Set<Waiter>()

  constructor(item: Item) {
    this.item = item
  }
}

export class Batch<Item, Waiter> {
  readonly scope: object | undefined
  readonly places = new Map<unknown, Place<Item, Waiter>>()
  /** How many wait, over all places. */
  waiting = 0

  constructor(scope: object | undefined) {
    this.scope = scope
  }
}

export class Batches<Item, Waiter> {
  readonly #open = new Map<object | undefined, Batch<Item, Waiter>>()
  maxSize: number

  constructor(maxSize: number) {
    this.maxSize = maxSize
  }

  /** All batches that have not started. */
  get all(): readonly Batch<Item, Waiter>[] {
    return [...this.#open.values()]
  }

  /** Joins the open batch of the scope, or opens one. An item with a known key shares its place. */
  join(scope: object | undefined, key: unknown, item: Item, waiter: Waiter): Batch<Item, Waiter> {
    let batch = this.#open.get(scope)
    if (batch === undefined) {
      batch = new Batch(scope)
      this.#open.set(scope, batch)
    }
    let place = batch.places.get(key)
    if (place === undefined) {
      place = new Place(item)
      batch.places.set(key, place)
    }
    place.waiters.add(waiter)
    batch.waiting++
    return batch
  }

  isFull(batch: Batch<Item, Waiter>): boolean {
    return batch.places.size >= this.maxSize
  }

  /** Someone gave up. Before the start an item that nobody wants any more leaves its place. True: nobody is left in the batch. */
  leave(batch: Batch<Item, Waiter>, key: unknown, waiter: Waiter): boolean {
    const place = batch.places.get(key)
    if (!place?.waiters.delete(waiter)) return false
    batch.waiting--
    if (place.waiters.size === 0 && this.isOpen(batch)) batch.places.delete(key)
    if (batch.waiting > 0) return false
    this.start(batch)
    return true
  }

  isOpen(batch: Batch<Item, Waiter>): boolean {
    return this.#open.get(batch.scope) === batch
  }

  /** Nobody may join any more. False: it had started. */
  start(batch: Batch<Item, Waiter>): boolean {
    return this.isOpen(batch) && this.#open.delete(batch.scope)
  }
}
