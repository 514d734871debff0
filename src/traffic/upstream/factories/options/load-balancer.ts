/** Options of the load balancer: Istio's LoadBalancerSettings, as far as they speak of how one endpoint is chosen. */
import { OptionsError } from '../../../../core/errors.ts'
import { clock, random } from '../../../../core/schema/around.ts'
import {
  anything,
  array,
  boolean,
  duration,
  type InputOf,
  integer,
  number,
  object,
  oneOf,
  readOptions,
  string,
} from '../../../../core/schema/index.ts'
import type { Cluster, SlowStartConfig } from '../../../../envoy/index.ts'
import type { Endpoint } from '../endpoint.ts'

export const loadBalancerAroundFields = {
  endpoints: array('Those that there are.', anything<Endpoint>('An endpoint.'), { required: true }),
  random,
  clock,
} as const

export const loadBalancerFields = {
  simple: oneOf(
    'The rule: least request (of two chosen by chance the less busy), in turns, or by chance.',
    ['LEAST_REQUEST', 'ROUND_ROBIN', 'RANDOM', 'LEAST_CONN', 'UNSPECIFIED'],
    { default: 'LEAST_REQUEST' },
  ),
  consistentHash: object(
    'By a hash: the same key goes to the same endpoint. In code the key is what `pick` or `by` is given. Default: `simple`.',
    {
      ringHash: object('By a ring of hashes; the default of the two.', {
        minimumRingSize: integer('The least size of the ring.', { default: 1024, min: 1, max: 8_388_608 }),
      }),
      maglev: object("By Maglev's table. Default: `ringHash`.", {
        tableSize: integer('The size of the table, a prime.', { default: 65_537, min: 3, max: 5_000_010 }),
      }),
      minimumRingSize: integer('Older name of ringHash.minimumRingSize.', { min: 1, max: 8_388_608 }),
      httpHeaderName: string('For the mesh: the header that is hashed. Default: none.'),
      httpQueryParameterName: string('For the mesh: the query parameter that is hashed. Default: none.'),
      useSourceIp: boolean("For the mesh: whether the caller's address is hashed. Default: it is not."),
      httpCookie: object('For the mesh: the cookie that is hashed. Default: none.', {
        name: string('Its name.', { required: true }),
        path: string('Its path, when it is made here. Default: none.'),
        ttl: duration('How long the cookie is kept. Default: it is not made here.', { min: 0 }),
      }),
    },
  ),
  warmup: object('New endpoints get little at first. Only with LEAST_REQUEST and ROUND_ROBIN. Default: they get their share at once.', {
    duration: duration('How long it takes until a new endpoint has its full share.', { required: true, min: 1 }),
    minimumPercent: number('The share it begins with.', { default: 10, min: 0, max: 100, unit: '%' }),
    aggression: number('1: grows with time; more: faster at first.', { default: 1, min: 1 }),
  }),
} as const

/** Options of `loadBalancer`. A wrong one throws an `OptionsError` that names every fault. */
export type LoadBalancerOptions = InputOf<typeof loadBalancerFields>

/** The part of a cluster that says how it chooses. Throws an OptionsError naming every wrong option. */
export function balancingOf(options: LoadBalancerOptions, what: string): Cluster {
  const given = readOptions(loadBalancerFields, options, what)
  const name = what
  const hash = given.consistentHash
  if (hash?.maglev !== undefined) {
    const { tableSize } = hash.maglev
    if (!isPrime(tableSize)) throw new OptionsError(`${what}: consistentHash.maglev.tableSize: ${tableSize} is no prime (e.g. 65537)`)
    if (hash.ringHash !== undefined)
      throw new OptionsError(`${what}: consistentHash: ringHash and maglev exclude each other; leave one of them out`)
    return { name, lbPolicy: 'MAGLEV', maglevLbConfig: { tableSize } }
  }
  if (hash !== undefined)
    return {
      name,
      lbPolicy: 'RING_HASH',
      ringHashLbConfig: { minimumRingSize: hash.ringHash?.minimumRingSize ?? hash.minimumRingSize ?? 1024 },
    }
  if (given.simple === 'RANDOM') return { name, lbPolicy: 'RANDOM' }
  const slow: { slowStartConfig?: SlowStartConfig } =
    given.warmup === undefined
      ? {}
      : {
          slowStartConfig: {
            slowStartWindow: `${given.warmup.duration}ms`,
            minWeightPercent: { value: given.warmup.minimumPercent },
            aggression: { defaultValue: given.warmup.aggression },
          },
        }
  return given.simple === 'ROUND_ROBIN'
    ? { name, lbPolicy: 'ROUND_ROBIN', roundRobinLbConfig: slow }
    : { name, lbPolicy: 'LEAST_REQUEST', leastRequestLbConfig: slow }
}

function isPrime(n: number): boolean {
  for (let i = 2; i * i <= n; i++) if (n % i === 0) return false
  return n > 1
}
