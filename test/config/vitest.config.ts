import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = (name: string) => fileURLToPath(new URL(`../../src/${name}`, import.meta.url))

export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  resolve: {
    conditions: ['source', 'node'],
    // Examples import the package by its name, as users do; here they run on the sources.
    alias: [
      { find: /^meshless$/, replacement: source('index.ts') },
      { find: /^meshless\/(policies|testing)$/, replacement: source('$1/index.ts') },
    ],
  },
  ssr: { resolve: { conditions: ['source', 'node'] } },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/bench/**', '**/node_modules/**'],
    testTimeout: 20_000,
    // On two cores it would take one; the replays of Envoy mostly wait.
    maxWorkers: Math.max(2, availableParallelism() - 1),
  },
})
