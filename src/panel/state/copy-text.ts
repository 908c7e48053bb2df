/** Puts text onto the clipboard; false where the browser does not let us. */
export async function copyText(text: string): Promise<boolean> {
  try {
    // Missing where the page came over plain HTTP.
    if (navigator.clipboard !== undefined) {
      await navigator.clipboard.writeText(text)
      return true
    }
  } catch {
    // Some browsers have it and refuse; the old way may still work.
  }
  const field = document.createElement('textarea')
  field.value = text
  field.className = 'visually-hidden'
  // A modal dialog makes all outside it inert, so the field must stand within.
  const place = [...document.querySelectorAll('dialog[open]')].at(-1) ?? document.body
  place.append(field)
  field.select()
  try {
    return document.execCommand('copy')
  } finally {
    field.remove()
  }
}
