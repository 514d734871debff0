import { defineConfig } from 'vitest/config'
import base from '../config/vitest.config.ts'

// The tests of one group (groups.mjs); mutants that hang are ended by Stryker's own limit.
export default defineConfig({
  ...base,
  test: { ...base.test, include: JSON.parse(process.env['MUTATION_TESTS'] ?? '[]'), maxWorkers: 1 },
})
