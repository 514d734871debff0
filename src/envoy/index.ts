export type * from './cluster.ts'
export type * from './route.ts'

import type { Cluster, ClusterLoadAssignment } from './cluster.ts'
import type { RouteConfiguration } from './route.ts'

/** All that the engine reads: what istiod would send one sidecar. */
export interface EnvoyConfig {
  clusters: Cluster[]
  routes: RouteConfiguration[]
  endpoints: ClusterLoadAssignment[]
}
