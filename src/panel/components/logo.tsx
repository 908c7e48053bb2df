/** A board of nine lights. */
export function Logo() {
  const light = [1, 1, 0.8, 1, 0.14, 0.5, 0.8, 0.14, 0.14]
  return (
    <svg class="logo" viewBox="0 0 24 24" aria-hidden="true">
      {light.map((opacity, at) => (
        <circle key={at} cx={4 + (at % 3) * 8} cy={4 + Math.floor(at / 3) * 8} r={3} opacity={opacity} />
      ))}
    </svg>
  )
}
