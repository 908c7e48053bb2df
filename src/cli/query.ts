/** `?a=1&b=2&b=3`; what is undefined is left out, and so is the question mark when nothing is left. */
export function query(
  values: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>,
): string {
  const pairs = Object.entries(values).flatMap(([key, value]) =>
    value === undefined ? [] : [value].flat().map(each => [key, String(each)] as [string, string]),
  )
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`
}
