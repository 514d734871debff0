import { expect, test } from 'vitest'
import type { Cluster } from '../../../../src/envoy/index.ts'
import { connectSettings } from '../../../../src/traffic/upstream/pool/connect-target.ts'

const OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'
const most = (http: object) =>
  connectSettings({ name: 'c', typedExtensionProtocolOptions: { [OPTIONS]: http } } as unknown as Cluster).pool.maxRequestsPerConnection

test('HTTP/2 connections are replaced before their stream ids run out', () => {
  const http2 = { explicitHttpConfig: { http2ProtocolOptions: {} } }
  expect(most(http2)).toBe(536_870_912)
  expect(most({ ...http2, commonHttpProtocolOptions: { maxRequestsPerConnection: 5 } })).toBe(5)
  expect(most({})).toBe(0)
})
