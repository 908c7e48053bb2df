/** What the commonest passwords of published lists are made of, without digits and signs around it. */
const commonWords = [
  ...['password', 'passwort', 'motdepasse', 'contrasena', 'passphrase', 'secret', 'changeme', 'letmein'],
  ...['welcome', 'qwerty', 'qwertz', 'azerty', 'qwertyuiop', 'asdfghjkl', 'asdfgh', 'zxcvbnm', 'zxcvbn'],
  ...['admin', 'administrator', 'root', 'user', 'guest', 'default', 'login', 'test', 'testtest', 'hello'],
  ...['iloveyou', 'princess', 'sunshine', 'football', 'baseball', 'superman', 'batman', 'dragon', 'monkey'],
  ...['master', 'shadow', 'michael', 'jordan', 'trustno', 'starwars', 'whatever', 'computer', 'internet'],
  ...['liverpool', 'chocolate', 'butterfly', 'blink', 'mustang', 'summer', 'winter', 'spring', 'autumn'],
  ...['pixelgate', 'raspberry', 'raspberrypi', 'gateway', 'ledmatrix', 'neopixel', 'pixel', 'leds'],
]

/** Runs of keys and the usual zigzags over a keyboard. */
const runs = [
  ...['abcdefghijklmnopqrstuvwxyz', '01234567890123456789', 'qwertyuiopasdfghjklzxcvbnm'],
  ...[
    'qwertzuiopasdfghjklyxcvbnm',
    'azertyuiopqsdfghjklmwxcvbn',
    '1q2w3e4r5t6y7u8i9o0p',
    'q1w2e3r4t5y6u7i8o9p0',
  ],
  ...[
    '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p',
    'qazwsxedcrfvtgbyhnujmikolp',
    '1234qwerasdfzxcv',
    'zaq12wsxcde34rfv',
  ],
]

const plainLetters: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '@': 'a',
  $: 's',
  '!': 'i',
}

/** Why nobody should have this password, with what to do; undefined when nothing speaks against it. */
export function passwordWeakness(password: string, name: string): string | undefined {
  const text = password.normalize('NFKC').toLowerCase()
  const bare = text.replaceAll(/[^\p{L}\p{N}]/gu, '')
  const owner = name.toLowerCase()
  if (text.includes(owner) && text.replaceAll(owner, '').replaceAll(/[^\p{L}]/gu, '').length < 4)
    return 'The password is made of the name. Choose words that have nothing to do with it.'
  if (new Set(text).size < 5) return 'The password repeats a few characters. Choose several words instead.'
  if (isRepetition(bare))
    return 'The password repeats one part. Choose several words that do not belong together.'
  if (isRun(bare)) return 'The password is a row of keys. Choose several words instead.'
  if ([text, spelled(text)].some(isCommon))
    return 'The password is one of the commonest. Choose several words that do not belong together.'
  return undefined
}

const spelled = (text: string): string =>
  [...text].map(character => plainLetters[character] ?? character).join('')

/** A common word alone, or several of them, whatever digits and signs stand between and around. */
function isCommon(text: string): boolean {
  let rest = text
  for (const word of commonWords.toSorted((a, b) => b.length - a.length)) rest = rest.replaceAll(word, ' ')
  return rest !== text && rest.replaceAll(/[^\p{L}]/gu, '').length < 4
}

const isRepetition = (text: string): boolean => /^(.{1,6})\1+.{0,3}$/su.test(text)

/** Split greedily into runs of at least three keys, in either direction, at most three characters are left over. */
function isRun(text: string): boolean {
  let left = 0
  for (let at = 0; at < text.length; ) {
    let length = 1
    while (at + length < text.length && isInRun(text.slice(at, at + length + 1))) length += 1
    if (length < 3) left += length
    at += length
  }
  return text.length > 0 && left <= 3
}

const isInRun = (part: string): boolean => {
  const back = [...part].reverse().join('')
  return runs.some(run => run.includes(part) || run.includes(back))
}
