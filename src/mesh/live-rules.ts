/**
 * The rules in force and how they change. Every change is a proposal of new sets that goes through one gate, one after the other: read,
 * checked, compiled and made ready in slices, and only then switched to, in one step. What is refused has touched nothing.
 */
import { append } from '../base/append.ts'
import { runInSlices, runNow, type Steps } from '../base/time/slices.ts'
import type { Emitter } from '../core/events.ts'
import type { Source, SourceSet } from '../core/source.ts'
import type { Trust } from '../core/trust.ts'
import type { Diagnostic } from '../rules/istio/diagnostic.ts'
import type { RuleDocument } from '../rules/istio/document.ts'
import { type ParsedRules, parseRules, parsing } from '../rules/istio/parse.ts'
import { type Caller, callerOf } from '../rules/istio/select-documents.ts'
import { trustFaults } from '../rules/istio/trust.ts'
import type { ClusterStates } from './cluster-states.ts'
import { type Compiled, compiling, NOTHING } from './compile.ts'
import type { MeshEvents } from './events.ts'
import { foreignChanges } from './foreign-changes.ts'
import { type Action, History, type Version } from './history.ts'
import type { Applied, ChangeOptions, RuleInput } from './options.ts'
import { asDocuments, isDeletion, patched } from './patch.ts'
import { changesBetween, comparing, type DocumentChange, NO_CHANGES, type Plan } from './plan.ts'
import { Readings } from './readings.ts'
import { RuleError } from './rule-error.ts'
import { APPLY, comparingSets, EMPTY, type RuleSet, type RuleSets, withSet } from './rule-set.ts'
import type { Settings } from './settings.ts'

interface Proposal {
  readonly sets: RuleSets
  readonly errors: readonly Diagnostic[]
  readonly warnings: readonly Diagnostic[]
  /** The documents that it adds. */
  readonly added?: ReadonlySet<RuleDocument>
}

type Refused = Extract<Applied<Diagnostic>, { accepted: false }>

/** How far a change given from outside is trusted, and what version it is meant for. */
export type Change = ChangeOptions & { trust?: Trust | undefined }

interface PlanChange {
  readonly patch?: boolean
  readonly trust?: Trust | undefined
}

const NAMES = 20

export class LiveRules {
  readonly #settings: Settings
  readonly #events: Emitter<MeshEvents>
  readonly #states: ClusterStates
  readonly #switch: (compiled: Compiled) => void
  readonly #history: History
  readonly #readings = new Readings()
  #sets: RuleSets
  #compiled: Compiled = NOTHING
  #version = 0
  #diagnostics: readonly Diagnostic[] = []
  #queue: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor(settings: Settings, events: Emitter<MeshEvents>, states: ClusterStates, switchTo: (compiled: Compiled) => void) {
    this.#settings = settings
    this.#events = events
    this.#states = states
    this.#switch = switchTo
    this.#history = new History(settings.history)
    this.#sets = new Map([[APPLY, EMPTY], ...settings.sources.map(source => [source.name, EMPTY] as const)])
  }

  get version(): number {
    return this.#version
  }

  get sets(): RuleSets {
    return this.#sets
  }

  get compiled(): Compiled {
    return this.#compiled
  }

  /** What was said about the rules in force. */
  get diagnostics(): readonly Diagnostic[] {
    return this.#diagnostics
  }

  get history(): readonly Version[] {
    return this.#history.list
  }

  /** The first set, at once. Throws a `RuleError` when it is wrong. */
  begin(rules: RuleInput): void {
    const result = runNow(this.#changing('initial', APPLY, () => this.#replacing(APPLY, [{ documents: rules }]), {}))
    if (!result.accepted) throw new RuleError([...result.errors, ...result.warnings])
  }

  apply(rules: RuleInput, options: Change = {}): Promise<Applied<Diagnostic>> {
    return this.#enqueue('apply', APPLY, () => this.#replacing(APPLY, [{ documents: rules }], options.trust), options)
  }

  patch(rules: RuleInput, options: Change = {}): Promise<Applied<Diagnostic>> {
    return this.#enqueue('patch', APPLY, () => this.#patching(rules, options.trust), options)
  }

  rollback(version: number, options: Change = {}): Promise<Applied<Diagnostic>> {
    return this.#enqueue('rollback', '*', () => this.#goingBack(version, options.trust), options)
  }

  deliver(source: Source, sets: readonly SourceSet[]): Promise<Applied<Diagnostic>> {
    return this.#enqueue('source', source.name, () => this.#replacing(source.name, sets, this.#settings.trusts.get(source.name)), {})
  }

  /** What `apply`, or with `patch` what `patch`, would do. Changes nothing. */
  plan(rules: RuleInput, options: PlanChange = {}): Plan {
    return runNow(this.#planning(rules, options))
  }

  /** The same without holding the event loop up, in its turn among the changes. */
  planInSlices(rules: RuleInput, options: PlanChange = {}): Promise<Plan> {
    return this.#inTurn(() => this.#planning(rules, options))
  }

  *#planning(rules: RuleInput, { patch = false, trust }: PlanChange): Steps<Plan> {
    const proposal = yield* patch ? this.#patching(rules, trust) : this.#replacing(APPLY, [{ documents: rules }], trust)
    const refused = (errors: readonly Diagnostic[], warnings: readonly Diagnostic[]): Plan => ({
      accepted: false,
      version: this.#version,
      errors,
      warnings,
      changes: NO_CHANGES,
    })
    if (proposal.errors.length > 0) return refused(proposal.errors, proposal.warnings)
    const { compiled, diagnostics } = yield* compiling(proposal.sets, this.#compiled, this.#settings, proposal.added)
    const { errors, warnings } = sorted(diagnostics)
    if (compiled === undefined) return refused(errors, warnings)
    const changes = yield* changesBetween(this.#compiled, compiled, this.#states)
    return { accepted: true, version: this.#version, errors, warnings, changes }
  }

  /** The documents in a text, whatever is wrong with them. */
  read(rules: RuleInput): readonly RuleDocument[] {
    return this.parse(rules).documents
  }

  /** The same with what is wrong. */
  parse(rules: RuleInput): ParsedRules {
    return parseRules(asDocuments(rules))
  }

  /** No change is taken any more. */
  close(): void {
    this.#closed = true
  }

  #enqueue(action: Action, source: string, propose: () => Steps<Proposal>, options: ChangeOptions): Promise<Applied<Diagnostic>> {
    return this.#inTurn(() => this.#changing(action, source, propose, options))
  }

  /** Runs work in slices when what was asked for before it is done. */
  #inTurn<T>(work: () => Steps<T>): Promise<T> {
    const next = this.#queue.then(() => runInSlices(work()))
    this.#queue = next.catch(() => {})
    return next
  }

  *#changing(action: Action, source: string, propose: () => Steps<Proposal>, { ifVersion }: ChangeOptions): Steps<Applied<Diagnostic>> {
    const at = this.#settings.clock.wall()
    const refuse = (errors: readonly Diagnostic[], warnings: readonly Diagnostic[]): Refused => {
      this.#events.emit('rejected', { source, action, errors, warnings, at })
      return { accepted: false, errors, warnings }
    }
    if (this.#closed) return refuse([general('mesh-closed', 'the mesh is closed')], [])
    if (ifVersion !== undefined && ifVersion !== this.#version)
      return { ...refuse([staleVersion(ifVersion, this.#version)], []), conflict: { expected: ifVersion, actual: this.#version } }

    const proposal = yield* propose()
    if (proposal.errors.length > 0) return refuse(proposal.errors, proposal.warnings)
    const { compiled, diagnostics } = yield* compiling(proposal.sets, this.#compiled, this.#settings, proposal.added)
    const { errors, warnings } = sorted(diagnostics)
    if (compiled === undefined) return refuse(errors, warnings)
    let takeOver: () => void
    try {
      takeOver = yield* this.#states.preparing(compiled.clusters)
    } catch (error) {
      return refuse([general('not-usable', error instanceof Error ? error.message : String(error))], warnings)
    }
    const isNew = this.#version === 0 || !(yield* comparingSets(this.#sets, proposal.sets))
    const changes = isNew ? yield* comparing(this.#compiled.written, compiled.written) : []
    yield

    // From here to the end nothing can fail and nobody else has a turn.
    takeOver()
    this.#switch(compiled)
    this.#compiled = compiled
    this.#sets = proposal.sets
    this.#diagnostics = diagnostics
    // What changed nothing is no version that one could go back from.
    if (isNew) this.#remember(++this.#version, { at, action, source, changes })
    const result = { accepted: true as const, version: this.#version, warnings }
    this.#events.emit('applied', { version: result.version, source, action, warnings, at })
    return result
  }

  #remember(
    version: number,
    { at, action, source, changes }: { at: number; action: Action; source: string; changes: readonly DocumentChange[] },
  ): void {
    const named = (change: string) => changes.filter(c => c.change === change).slice(0, NAMES)
    const keys = (change: string) => named(change).map(c => c.key)
    this.#history.add(
      {
        version,
        at,
        action,
        source,
        documents: this.#compiled.written.length,
        added: keys('added'),
        changed: keys('changed'),
        removed: keys('removed'),
      },
      this.#sets,
    )
  }

  get #caller(): Caller {
    return callerOf(this.#settings.workload, this.#settings.meshConfig)
  }

  // ── proposals ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  *#replacing(source: string, parts: readonly SourceSet[], trust?: Trust): Steps<Proposal> {
    const { set, errors } = yield* this.#judged(yield* this.#readings.of(source, parts, trust), trust, false)
    const emptied = this.#emptied(source, set, parts)
    const whole = emptied === undefined ? set : { ...set, diagnostics: [...set.diagnostics, emptied] }
    return this.#proposal(source, whole, errors, whole.diagnostics, trust)
  }

  /** A source without documents: a file that is being written, a folder that was moved. Who applies an empty list means it. */
  #emptied(source: string, { documents }: RuleSet, parts: readonly SourceSet[]): Diagnostic | undefined {
    if (documents.length > 0) return undefined
    const before = this.#sets.get(source)?.documents.length ?? 0
    const isMeant = parts.every(part => Array.isArray(part.documents) && part.documents.length === 0)
    if (source === APPLY && (before === 0 || isMeant)) return undefined
    const lost = before === 0 ? '' : `: the ${before} it had are not in force any more`
    const hint = before === 0 ? 'is the path the right one?' : `if that was not meant, mesh.rollback(${this.#version}) brings them back`
    return {
      severity: 'warning',
      code: 'rules-emptied',
      message: `${source === APPLY ? 'the text that was applied' : `source ${source}`} has no documents${lost}`,
      hint,
    }
  }

  *#patching(rules: RuleInput, trust?: Trust): Steps<Proposal> {
    const read = yield* this.#judged([yield* parsing(asDocuments(rules))], trust, true)
    if (read.errors.length > 0) return { sets: this.#sets, errors: read.errors, warnings: read.set.diagnostics }
    const { set, errors } = patched(this.#sets, read.set)
    return this.#proposal(APPLY, set, errors, read.set.diagnostics, trust)
  }

  #proposal(source: string, set: RuleSet, errors: readonly Diagnostic[], warnings: readonly Diagnostic[], trust?: Trust): Proposal {
    const sets = withSet(this.#sets, source, set)
    const before = new Set(this.#sets.get(source)?.documents)
    const added = new Set(set.documents.filter(document => !before.has(document)))
    return { sets, errors: [...errors, ...foreignChanges(this.#sets, sets, trust, this.#caller)], warnings, added }
  }

  *#goingBack(version: number, trust?: Trust): Steps<Proposal> {
    const sets = this.#history.get(version)
    if (sets !== undefined) return { sets, errors: foreignChanges(this.#sets, sets, trust, this.#caller), warnings: [] }
    const kept = this.#history.list.map(v => v.version).join(', ')
    return {
      sets: this.#sets,
      errors: [general('version-not-kept', `there is no version ${version} to go back to`, `kept: ${kept}`)],
      warnings: [],
    }
  }

  /** `patching`: documents may stand for the deletion of others. */
  *#judged(parts: readonly ParsedRules[], trust: Trust | undefined, patching: boolean): Steps<{ set: RuleSet; errors: Diagnostic[] }> {
    const documents: RuleDocument[] = []
    const found: Diagnostic[] = []
    for (const read of parts) {
      append(found, read.diagnostics)
      for (const document of read.documents) {
        if (trust !== undefined) {
          document.trust = trust
          if (!patching || !isDeletion(document)) append(found, trustFaults(document, trust, this.#caller))
          yield
        }
        documents.push(document)
      }
    }
    const { errors, warnings } = sorted(found)
    return { set: { documents, diagnostics: warnings }, errors }
  }
}

function sorted(diagnostics: readonly Diagnostic[]): { errors: Diagnostic[]; warnings: Diagnostic[] } {
  return { errors: diagnostics.filter(d => d.severity === 'error'), warnings: diagnostics.filter(d => d.severity !== 'error') }
}

function general(code: string, message: string, hint?: string): Diagnostic {
  return { severity: 'error', code, message, ...(hint === undefined ? {} : { hint }) }
}

function staleVersion(expected: number, actual: number): Diagnostic {
  return general(
    'version-conflict',
    `version ${actual} is in force, not ${expected}`,
    'look at what changed and try again with its version',
  )
}
