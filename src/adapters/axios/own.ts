/** Reading what a caller wrote, and nothing that others left on `Object.prototype`. */

/** A field of an object, unless it is inherited from `Object.prototype`. */
export function ownOf(object: any, name: string): any {
  const value = object?.[name]
  return value !== undefined && value === (Object.prototype as any)[name] && !Object.hasOwn(object, name) ? undefined : value
}
