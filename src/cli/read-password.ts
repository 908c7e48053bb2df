import type { Readable, Writable } from 'node:stream'
import { AppError } from '../kernel/errors.ts'

/** What a password is read from: the terminal, where it can be, or a pipe. */
export type PasswordInput = Readable & { isTTY?: boolean; setRawMode?: (raw: boolean) => unknown }

const longest = 4096

/**
 * The first line of the input. On a terminal it asks first and shows nothing of what is typed; Backspace, Ctrl-U and
 * Ctrl-C work. Never an argument: arguments are for everybody to see in the list of processes.
 */
export async function readPassword(prompt: string, input: PasswordInput, output: Writable): Promise<string> {
  const tty = input.isTTY === true && input.setRawMode !== undefined
  if (tty) {
    output.write(prompt)
    input.setRawMode?.(true)
  }
  try {
    return await readLine(input, tty)
  } finally {
    if (tty) {
      input.setRawMode?.(false)
      output.write('\n')
    }
    input.pause()
  }
}

function readLine(input: PasswordInput, tty: boolean): Promise<string> {
  input.setEncoding('utf8')
  let line = ''
  return new Promise((resolve, reject) => {
    const end = (finish: () => void) => {
      input.off('data', take).off('end', ended).off('error', reject)
      finish()
    }
    const ended = () => end(() => resolve(line))
    const take = (chunk: string) => {
      for (const character of chunk) {
        if (character === '\n' || character === '\r' || (tty && character === '\x04')) return ended()
        if (tty && character === '\x03') return end(() => reject(new AppError('cancelled', 'Interrupted.')))
        if (tty && (character === '\x7f' || character === '\b')) line = [...line].slice(0, -1).join('')
        else if (tty && character === '\x15') line = ''
        else line += character
      }
      if (line.length > longest) end(() => reject(new AppError('usage', 'The password is too long.')))
    }
    input.on('data', take).once('end', ended).once('error', reject)
    input.resume()
  })
}
