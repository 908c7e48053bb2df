/** A code to be scanned, always black on white. The SVG of the gateway is shown as a picture, so nothing in it can run. */
export function QrPicture({ svg, label }: { readonly svg: string; readonly label: string }) {
  return <img class="qr" src={`data:image/svg+xml,${encodeURIComponent(svg)}`} alt={label} />
}
