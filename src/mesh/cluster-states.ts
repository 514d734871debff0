/**
 * What lives beside the rules: ejections, counters, connections, breakers. A cluster keeps them under its name whatever set names it; one
 * that no set names any more keeps them for a grace, so that a mistake mended at once costs nothing. New rules are made ready first,
 * which may fail and changes nothing; taking them over cannot.
 */
import type { Clock, Timer } from '../base/time/clock.ts'
import type { Steps } from '../base/time/slices.ts'
import type { Cluster, ClusterLoadAssignment } from '../envoy/index.ts'
import type { ClusterRuntime } from '../traffic/engine/cluster-runtime.ts'
import type { EndpointSettings } from '../traffic/upstream/factories/endpoint.ts'
import type { ClusterPlan } from './compile.ts'

/** How long the state of a cluster that no rule names any more is kept, ms. */
export const GRACE = 300_000

export interface ClusterMaking {
  readonly clock: Clock
  /** Endpoints set by hand, where the rules in force want them. */
  place(name: string, endpoints: readonly EndpointSettings[], placement: ClusterPlan['placement']): ClusterLoadAssignment
  make(plan: ClusterPlan, config: Cluster): ClusterRuntime
  /** `trial`: nothing that others see may change. */
  guard(runtime: ClusterRuntime, plan: ClusterPlan, trial: boolean): void
}

export class ClusterStates {
  readonly #making: ClusterMaking
  /** Those that the rules name. Calls hold the map they began with, so it is replaced and never changed. */
  #named: ReadonlyMap<string, ClusterRuntime> = new Map()
  #plans: ReadonlyMap<string, ClusterPlan> = new Map()
  readonly #retired = new Map<string, { runtime: ClusterRuntime; timer: Timer; plan: ClusterPlan | undefined }>()
  /** Endpoints set by hand; they outlive an `apply`. */
  readonly #assigned = new Map<string, readonly EndpointSettings[]>()

  /** A set is being made ready and counts on what is retired. */
  #preparing = false

  constructor(making: ClusterMaking) {
    this.#making = making
  }

  get named(): ReadonlyMap<string, ClusterRuntime> {
    return this.#named
  }

  isRetired(name: string): boolean {
    return this.#retired.has(name)
  }

  hasOwnEndpoints(name: string): boolean {
    return this.#assigned.has(name)
  }

  /** Gives a cluster endpoints of its own; the rules' are not used again. */
  assign(runtime: ClusterRuntime, endpoints: readonly EndpointSettings[]): void {
    const { name } = runtime
    runtime.assign(this.#making.place(name, endpoints, this.#plans.get(name)?.placement))
    this.#assigned.set(name, endpoints)
  }

  /** The endpoints that a cluster of the rules was given by hand. */
  assigned(runtime: ClusterRuntime): readonly EndpointSettings[] | undefined {
    return this.#named.get(runtime.name) === runtime ? this.#assigned.get(runtime.name) : undefined
  }

  #assignmentOf({ name, placement, assignment }: ClusterPlan): ClusterLoadAssignment | undefined {
    const own = this.#assigned.get(name)
    return own === undefined ? assignment : this.#making.place(name, own, placement)
  }

  /** Makes everything that a set needs and that may fail. What comes back takes it over, at once and without fail. */
  *preparing(plans: ReadonlyMap<string, ClusterPlan>): Steps<() => void> {
    const made = new Map<string, ClusterRuntime>()
    const changed: ClusterPlan[] = []
    this.#preparing = true
    try {
      for (const plan of plans.values()) {
        const { name } = plan
        const known = this.#named.get(name) ?? this.#retired.get(name)?.runtime
        if (known === undefined) made.set(name, this.#fresh(plan))
        else if ((this.#plans.get(name) ?? this.#retired.get(name)?.plan)?.text !== plan.text) {
          // What an update would refuse, a cluster that nobody sees refuses first.
          this.#trial(plan)
          changed.push(plan)
        }
        yield
      }
    } catch (error) {
      this.#preparing = false
      for (const runtime of made.values()) runtime.close()
      throw error
    }
    return () => this.#takeOver(plans, made, changed)
  }

  #fresh(plan: ClusterPlan): ClusterRuntime {
    const runtime = this.#making.make(plan, bare(plan.config))
    try {
      const assignment = this.#assignmentOf(plan)
      if (assignment !== undefined) runtime.assign(assignment)
      this.#making.guard(runtime, plan, true)
    } catch (error) {
      runtime.close()
      throw error
    }
    return runtime
  }

  #trial(plan: ClusterPlan): void {
    const trial = this.#making.make(plan, bare(plan.config))
    try {
      this.#making.guard(trial, plan, true)
    } finally {
      trial.close()
    }
  }

  #takeOver(plans: ReadonlyMap<string, ClusterPlan>, made: ReadonlyMap<string, ClusterRuntime>, changed: readonly ClusterPlan[]): void {
    this.#preparing = false
    const next = new Map<string, ClusterRuntime>()
    for (const name of plans.keys()) next.set(name, made.get(name) ?? this.#named.get(name) ?? this.#recall(name))
    for (const plan of changed) {
      const runtime = next.get(plan.name)!
      runtime.update(bare(plan.config))
      // Without endpoints of the rules requests go where they want to, and no longer to those of before.
      runtime.assign(this.#assignmentOf(plan) ?? { clusterName: plan.name })
      this.#making.guard(runtime, plan, false)
    }
    for (const [name, runtime] of made) this.#making.guard(runtime, plans.get(name)!, false)
    const before = this.#named
    const plansBefore = this.#plans
    this.#named = next
    this.#plans = plans
    for (const [name, runtime] of before) if (!next.has(name)) this.retire(name, runtime, plansBefore.get(name))
  }

  #recall(name: string): ClusterRuntime {
    const { runtime, timer } = this.#retired.get(name)!
    timer.cancel()
    this.#retired.delete(name)
    return runtime
  }

  /** Keeps what nobody names for the grace, and longer while calls use it. */
  retire(name: string, runtime: ClusterRuntime, plan?: ClusterPlan): void {
    const wait = () =>
      this.#making.clock.schedule(GRACE, () => {
        const entry = this.#retired.get(name)
        if (entry?.runtime !== runtime) return
        if (runtime.busy || this.#preparing) entry.timer = wait()
        else {
          this.#retired.delete(name)
          this.#assigned.delete(name)
          runtime.close()
        }
      })
    const earlier = this.#retired.get(name)
    earlier?.timer.cancel()
    earlier?.runtime.close()
    this.#retired.set(name, { runtime, plan, timer: wait() })
  }

  close(): void {
    for (const runtime of this.#named.values()) runtime.close()
    for (const { runtime, timer } of this.#retired.values()) {
      timer.cancel()
      runtime.close()
    }
    this.#retired.clear()
  }
}

/** Endpoints are given to a cluster apart from its settings. */
function bare(config: Cluster): Cluster {
  if (config.loadAssignment === undefined) return config
  const { loadAssignment: _, ...rest } = config
  return rest
}
