/** Which state may follow which, and why: Resilience4j's table. For the code, the model test and the figure in the docs. */
import { BREAKER_STATES } from '../../core/schema/policies/circuit-breaker.ts'

export const STATES = BREAKER_STATES
export type State = (typeof STATES)[number]

/** Why a state is left. `manual` is told by a method, `reset` by `reset()`; the others come by themselves. */
export type Cause =
  | 'manual'
  | 'reset'
  | 'threshold reached'
  | 'asked by a result'
  | 'wait over'
  | 'probes well'
  | 'probes failed'
  | 'probing too long'

/** By hand any state may follow any other, but for these. */
const NOT_BY_HAND: Readonly<Partial<Record<State, readonly State[]>>> = { CLOSED: ['HALF_OPEN'], METRICS_ONLY: ['OPEN', 'HALF_OPEN'] }

/** The states that may follow by hand. */
export const byHand = (from: State): readonly State[] => STATES.filter(to => NOT_BY_HAND[from]?.includes(to) !== true)

const BY_ITSELF: Readonly<Partial<Record<State, Readonly<Partial<Record<State, readonly Cause[]>>>>>> = {
  CLOSED: { OPEN: ['threshold reached', 'asked by a result'] },
  OPEN: { HALF_OPEN: ['wait over'] },
  HALF_OPEN: { CLOSED: ['probes well', 'probing too long'], OPEN: ['probes failed', 'probing too long'] },
}

/** All that may happen. For tests and docs: the kernel brings about by itself nothing else. */
export const TRANSITIONS = /* @__PURE__ */ table()

function table(): Readonly<Record<State, Readonly<Partial<Record<State, readonly Cause[]>>>>> {
  const causes = (from: State, to: State): readonly Cause[] => [
    ...(byHand(from).includes(to) ? (['manual'] as const) : []),
    ...(to === 'CLOSED' ? (['reset'] as const) : []),
    ...(BY_ITSELF[from]?.[to] ?? []),
  ]
  const row = (from: State) => Object.fromEntries(STATES.map(to => [to, causes(from, to)]).filter(([, any]) => any!.length > 0))
  return Object.fromEntries(STATES.map(from => [from, row(from)])) as ReturnType<typeof table>
}
