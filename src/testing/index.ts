/** What users' tests need: time, chance and upstreams that do as they are told. */

export type { Clock, ScheduleOptions, Timer } from '../base/time/clock.ts'
export type { Duration } from '../base/time/duration.ts'
export type { Random } from '../base/time/random.ts'
export { seededRandom } from '../base/time/random.ts'
export { type VirtualClock, virtualClock } from '../base/time/virtual-clock.ts'
export type { FakeRequest } from './fake-connection.ts'
export type { FakeBody } from './fake-step.ts'
export {
  type FakeResponse,
  type FakeScript,
  type FakeStep,
  type FakeTransport,
  type FakeTransportOptions,
  fakeTransport,
} from './fake-transport.ts'
