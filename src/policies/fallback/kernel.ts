/** Which errors and results are answered for, and how many answers may be under way. No clock, no promise. */
import { type ErrorKind, isOneOf } from '../../core/error-kinds.ts'
import { OptionsError } from '../../core/errors.ts'
import { askHook } from '../../core/hooks.ts'
import type { FallbackSettings } from './options.ts'

/** Reads `handle`. A function is a class when errors can be made of it, otherwise a question. */
export function handler(handle: FallbackSettings['handle']): (error: unknown) => boolean {
  if (handle === undefined) return () => true
  const kinds = Array.isArray(handle) ? handle : [handle]
  for (const kind of kinds)
    if (typeof kind !== 'string' && typeof kind !== 'function')
      throw new OptionsError('fallback: handle: expected a class, a code or name, a list of those, or a function of the error')
  if (!Array.isArray(handle) && typeof handle === 'function' && !isErrorClass(handle)) {
    const asked = handle as (error: unknown) => boolean
    return error => says(asked, error)
  }
  return error => isOneOf(kinds as readonly ErrorKind[], error)
}

/** A hook that throws is reported and answers no: the original outcome goes on. */
export function says<T>(hook: (value: T) => unknown, value: T): boolean {
  return askHook(hook, false, value) === true
}

function isErrorClass(given: unknown): boolean {
  return typeof given === 'function' && (given === Error || (given as { prototype?: unknown }).prototype instanceof Error)
}

/** Answers under way. */
export class Answers {
  #underWay = 0
  limit: number

  constructor(limit: number) {
    this.limit = limit
  }

  get underWay(): number {
    return this.#underWay
  }

  enter(): boolean {
    if (this.#underWay >= this.limit) return false
    this.#underWay++
    return true
  }

  leave(): void {
    this.#underWay--
  }
}
