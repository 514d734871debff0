/** Who wants a connection of a pool, and the place in its line that who has to wait gets. */
import type { ResetReason } from '../../../core/transport.ts'
import type { Lease } from './member.ts'

/** Somebody who wants a connection. Exactly one of these is called, `ready` perhaps at once. */
export interface PoolListener {
  ready(lease: Lease): void
  rejected(reason: ResetReason, error: Error): void
}

/** A place in the line. */
export interface PoolTicket {
  cancel(): void
}

/** The line: it is told who leaves. */
interface Line {
  left(waiter: Waiter): void
}

export class Waiter implements PoolTicket {
  readonly listener: PoolListener
  readonly #line: Line
  constructor(line: Line, listener: PoolListener) {
    this.#line = line
    this.listener = listener
  }
  cancel(): void {
    this.#line.left(this)
  }
}
