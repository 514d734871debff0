export * from './json-schema.ts'
export * from './option.ts'
export * from './read.ts'
export * from './table.ts'
