/** TLS of a Sidecar's ingress. It is not executed in the process that calls, but a document that Istio refuses is refused. */
import type { Check } from './check.ts'

const SOURCES = ['serverCertificate', 'privateKey', 'caCertificates'] as const

export function ingressTls(check: Check, { port, tls }: any, path: string): void {
  const at = `${path}.tls`
  for (const field of ['subjectAltNames', 'credentialNames', 'tlsCertificates'])
    if (tls[field]?.length > 0) check.error('not-supported', `${at}.${field}`, `${field} is not for a Sidecar`, 'use files')
  for (const field of ['httpsRedirect', 'credentialName'])
    if (tls[field]) check.error('not-supported', `${at}.${field}`, `${field} is not for a Sidecar`, 'leave it out')
  if (tls.mode === 'ISTIO_MUTUAL' || tls.mode === 'AUTO_PASSTHROUGH')
    check.error('not-supported', `${at}.mode`, `${tls.mode} is not for a Sidecar's ingress`, 'use SIMPLE or MUTUAL')
  const protocol: string = (port.protocol ?? '').toUpperCase()
  if (protocol !== 'HTTPS' && protocol !== 'TLS')
    check.error('conflict', at, `tls on a port of protocol ${protocol || 'unknown'}`, 'use protocol: HTTPS or TLS')
  certificates(check, tls, at)
}

function certificates(check: Check, tls: any, path: string): void {
  const mode: string = tls.mode ?? 'PASSTHROUGH'
  if (mode === 'ISTIO_MUTUAL' || mode === 'PASSTHROUGH' || mode === 'AUTO_PASSTHROUGH') {
    const given = [...SOURCES, 'caCrl'].find(field => tls[field])
    if (given === undefined) return
    if (mode !== 'ISTIO_MUTUAL') check.warn('no-effect', `${path}.${given}`, `${mode} uses no certificates`, 'use mode: SIMPLE or MUTUAL')
    else if (given !== 'caCrl') check.error('conflict', `${path}.${given}`, 'ISTIO_MUTUAL has its own certificates', 'leave it out')
    return
  }
  if (tls.credentialName || tls.credentialNames?.length > 0 || tls.tlsCertificates?.length > 0) return // said above
  for (const field of ['serverCertificate', 'privateKey'])
    if (!tls[field]) check.error('required', path, `${field} is required for ${mode}`, `add ${field}: with the path of the file`)
  if (mode === 'SIMPLE' && tls.caCrl) check.error('conflict', `${path}.caCrl`, 'SIMPLE checks no client certificates', 'use mode: MUTUAL')
  if (mode !== 'SIMPLE' && !tls.caCertificates)
    check.error('required', path, `caCertificates is required for ${mode}`, 'add caCertificates: with the path of the file')
}
