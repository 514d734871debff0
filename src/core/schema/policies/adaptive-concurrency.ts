/** Options of the adaptive limit: how many calls may run at once is found out from how long they take. */
import { integer, oneOf } from '../option.ts'

export const adaptiveConcurrencyFields = {
  algorithm: oneOf('How the limit follows the measured times.', ['AIMD', 'VEGAS', 'GRADIENT2'], { default: 'GRADIENT2' }),
  initialLimit: integer('The limit at the start.', { default: 20, min: 1 }),
  minLimit: integer('Never lower.', { default: 20, min: 1 }),
  maxLimit: integer('Never higher.', { default: 200, min: 1 }),
} as const
