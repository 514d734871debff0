/** What users' tests need: time and chance that do as they are told. */
export { seededRandom } from '../base/time/random.ts'
export { type VirtualClock, virtualClock } from '../base/time/virtual-clock.ts'
