/**
 * Value of Content-Disposition for a file to be saved under this name (RFC 6266): what every program takes, and the name in full
 * (RFC 8187). Folders, quotes, control characters and characters that turn the direction of text are left out.
 */
export function attachment(fileName: string): string {
  const base = fileName
    .replace(/^.*[/\\]/s, '')
    .replace(/[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]/gu, '')
    .replace(/^\.+/, '')
    .trim()
  const name = base === '' ? 'pattern' : base
  const plain = name.replace(/[^\x20-\x7e]|["%*:<>?|;]/g, '_')
  const full = encodeURIComponent(name).replace(
    /['()*!]/g,
    character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `attachment; filename="${plain}"; filename*=UTF-8''${full}`
}
