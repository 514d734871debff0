/** What was recorded of a real Envoy 1.37 configured by istiod 1.29: the rules, what the upstreams do, what was asked, and what came of it. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'

export type Headers = Record<string, string | string[]>

/** How an upstream answers one request. */
export interface Behaviour {
  status?: number
  headers?: Headers
  body?: string
  /** ms before the answer. */
  delay?: number
  hang?: boolean
  reset?: 'before' | 'headers' | 'mid'
  rst?: boolean
  /** HTTP/2 error code of a reset. */
  code?: number
  /** ms between the headers with a first byte and the rest. */
  bodyDelay?: number
  raw?: string
  end?: boolean
  close?: boolean
}

export interface Script {
  script?: Behaviour[]
  then?: Behaviour
}

export interface UpstreamSpec extends Script {
  address: string
  labels?: Record<string, string>
  paths?: Record<string, Script>
  refuse?: boolean
  blackhole?: boolean
  h2?: boolean
  h2settings?: object
}

export interface RequestSpec {
  url: string
  method?: string
  headers?: Headers
  body?: string | { repeat: string; n: number }
  host?: string
  path?: string
  abortAfter?: number
}

export interface Step {
  op: 'request' | 'repeat' | 'burst' | 'join' | 'many' | 'seq' | 'keys' | 'wait' | 'at' | 'hosts' | 'stats' | 'endpoints' | 'ramp'
  request?: RequestSpec
  n?: number
  ms?: number
  gapMs?: number
  lead?: number
  settle?: number
  concurrency?: number
  bucketMs?: number
  buckets?: number
  keys?: string[]
  present?: string[]
  free?: boolean
  background?: boolean
  conn?: boolean
  conns?: boolean
  flags?: boolean
  order?: boolean
  seen?: boolean
  gaps?: boolean
}

/** A number, or the range of it over the recorded runs. */
export type Band = number | [number, number]

/** One request at an upstream, as far as it differs from what the client sent. */
export interface Arrival {
  up: string
  method?: string
  path?: string
  host?: string
  h?: Headers
  gone?: string[]
  body?: string
  bodySame?: boolean
  att?: number
  exp?: Band
  conn?: number
}

/** The outcome of a step; which fields there are depends on its op. */
export interface Outcome {
  free?: boolean
  status?: number
  error?: string
  flags?: string
  details?: string
  cluster?: string
  attempts?: number
  from?: string
  host?: string
  body?: string
  upBody?: string
  bodyError?: unknown
  h?: Headers
  ms?: Band
  route?: string
  seen?: any
  gaps?: number[]
  each?: { status: number | string; flags?: string; attempts?: number; ups?: string[]; conns?: number[]; free?: boolean }[]
  groups?: (Outcome & { n: Band })[]
  seenSorted?: number[]
  conns?: Record<string, Band>
  connsSorted?: number[]
  order?: string[]
  counts?: any
  perRun?: Record<string, number>[]
  sortedCounts?: number[]
  n?: any
  seq?: string[]
  cycle?: string[]
  map?: Record<string, string>
  hosts?: Record<string, Record<string, string>>
  hostCounts?: Record<string, Record<string, number>>
  stats?: Record<string, Record<string, Band>>
  ramp?: { counts: Record<string, number>; expectU3?: number }[]
}

export interface Scenario {
  name: string
  area: string
  rules: string
  mesh?: string
  caller?: object
  upstreams: Record<string, UpstreamSpec>
  steps: Step[]
  outcomes: (Outcome | null)[]
  sym?: string[]
  compare?: string
  random?: boolean
  expect?: any
  expectSorted?: number[]
  expectGroups?: Record<string, number>
  expectNote?: string
  unorderedSeen?: boolean
  tolerance?: { exp?: number }
  gapBand?: number[]
}

export function scenariosOf(area: string): Scenario[] {
  const file = fileURLToPath(new URL(`recordings/${area}.json.gz`, import.meta.url))
  return JSON.parse(gunzipSync(readFileSync(file)).toString('utf8'))
}
