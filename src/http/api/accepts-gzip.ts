/** Whether an Accept-Encoding header takes gzip and does not want plain bytes more (RFC 9110 §12.5.3). */
export function acceptsGzip(header: string | string[] | undefined): boolean {
  const text = String(header ?? '')
  if (!text.includes('q=')) return /(^|[\s,])(gzip|x-gzip|\*)([\s,;]|$)/i.test(text)
  const weights = new Map<string, number>()
  for (const each of text.toLowerCase().split(',')) {
    const [name = '', ...parameters] = each.split(';').map(part => part.trim())
    const weight = parameters.find(parameter => parameter.startsWith('q='))?.slice(2)
    weights.set(name, weight === undefined ? 1 : Number(weight) || 0)
  }
  const packed = weights.get('gzip') ?? weights.get('x-gzip') ?? weights.get('*') ?? 0
  return packed > 0 && packed >= (weights.get('identity') ?? 0)
}
