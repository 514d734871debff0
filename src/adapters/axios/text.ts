/** Bytes as the text, or the Buffer, that axios gives on Node; as near as other runtimes come. */

/** `encoding`: `responseEncoding` of a config. */
export function decodeText(bytes: Uint8Array, encoding: string | undefined): string {
  // The decoder takes the byte order mark off, as axios does for UTF-8.
  if (!encoding || encoding === 'utf8' || typeof Buffer === 'undefined') return new TextDecoder().decode(bytes)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(encoding as BufferEncoding)
}

export function nodeBuffer(bytes: Uint8Array): Uint8Array {
  return typeof Buffer === 'undefined' ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
