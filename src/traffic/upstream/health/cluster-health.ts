/** The health checks of a cluster, begun, changed and ended as its configuration says, and what they mean for who may be asked. */
import type { Clock } from '../../../base/time/clock.ts'
import type { Random } from '../../../base/time/random.ts'
import type { Transport } from '../../../core/transport.ts'
import type { Cluster } from '../../../envoy/index.ts'
import type { HostSet } from '../host-set.ts'
import type { Ejections } from '../outlier/ejections.ts'
import { connectSettings, tlsSettings } from '../pool/connect-target.ts'
import { HealthChecker } from './checker.ts'
import { healthSettings } from './settings.ts'

export interface CheckSurroundings {
  readonly clock: Clock
  readonly random: Random
  readonly transport: Transport
}

export class ClusterHealth {
  /** Settles when every new host was checked once; absent when nothing is awaited. */
  warming: Promise<unknown> | undefined
  readonly #hosts: HostSet
  readonly #ejections: Ejections
  readonly #around: CheckSurroundings
  #config: Cluster
  #checker: HealthChecker | undefined

  constructor(config: Cluster, hosts: HostSet, ejections: Ejections, around: CheckSurroundings) {
    this.#config = config
    this.#hosts = hosts
    this.#ejections = ejections
    this.#around = around
    this.#configure(false)
  }

  update(config: Cluster): void {
    this.#config = config
    this.#configure(true)
  }

  /** `running`: the hosts there are serve already, and are trusted until they fail. */
  #configure(running: boolean): void {
    const settings = healthSettings(this.#config)
    if (settings === undefined) {
      if (this.#checker === undefined) return
      this.#checker.close()
      this.#checker = undefined
      return this.#refresh()
    }
    if (this.#checker !== undefined) return this.#checker.update(settings)
    const { target, tls, autoSni } = connectSettings(this.#config)
    // There is no request to take the name from.
    const name = autoSni ? this.#config.name.slice(this.#config.name.lastIndexOf('|') + 1) : undefined
    this.#checker = new HealthChecker(settings, {
      ...this.#around,
      target: host => ({ ...target, address: host.address, tls: tlsSettings(tls, name) }),
      changed: host => {
        if (!host.failing) this.#ejections.healthCheckPassed(host)
        this.#refresh()
      },
      passed: host => this.#ejections.healthCheckPassed(host),
    })
    if (running) this.#await(this.#checker.members(this.#hosts.all, true))
  }

  /** The hosts are others now. */
  members(): void {
    if (this.#checker === undefined) return
    this.#await(this.#checker.members(this.#hosts.all))
    this.#refresh()
  }

  #await(checked: Promise<unknown> | undefined): void {
    if (checked === undefined) return
    const warming = checked.then(() => {
      if (this.warming === warming) this.warming = undefined
    })
    this.warming = warming
  }

  #refresh(): void {
    this.#hosts.refresh(this.#around.clock.now())
  }

  stats(): Record<string, number> {
    return this.#checker === undefined ? {} : { ...this.#checker.stats, 'health_check.healthy': this.#checker.healthy }
  }

  close(): void {
    this.#checker?.close()
  }
}
