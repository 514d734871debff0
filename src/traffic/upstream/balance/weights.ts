/** What balancers by weight have in common: a scheduler where weights differ or somebody warms up, and none where turns or chance will do. */
import type { Host } from '../host.ts'
import { Edf, MOST_PICKS } from './edf.ts'
import type { SlowStart } from './slow-start.ts'

/** The weight of a host at this moment. */
export type WeightOf = (host: Host) => number

export class Schedule {
  readonly #weightOf: WeightOf
  readonly #slowStart: SlowStart | undefined
  readonly #picks: number
  #list: readonly Host[] | undefined
  #edf: Edf<Host> | undefined

  constructor(weightOf: WeightOf, slowStart: SlowStart | undefined, seed: number) {
    this.#weightOf = weightOf
    this.#slowStart = slowStart
    this.#picks = seed % MOST_PICKS
  }

  /** The next host by weight; `undefined` when all are alike. */
  next(hosts: readonly Host[], now: number): Host | undefined {
    if (hosts !== this.#list) {
      this.#list = hosts
      const warming = this.#slowStart?.active(now) === true
      this.#edf =
        hosts.length > 1 && (warming || !equalWeights(hosts)) ? new Edf(hosts, (h, at) => this.#weigh(h, at), this.#picks, now) : undefined
    }
    return this.#edf?.next(now)
  }

  #weigh(host: Host, now: number): number {
    const weight = this.#weightOf(host)
    const slow = this.#slowStart
    return slow?.active(now) ? weight * slow.factor(host, now) : weight
  }
}

function equalWeights(hosts: readonly Host[]): boolean {
  return hosts.every(h => h.weight === hosts[0]!.weight)
}
