import { z } from 'zod'

export const absolutePath = z
  .string()
  .refine(
    path => path.startsWith('/') && !path.includes('\0'),
    'must be an absolute path, such as /var/lib/pixelgate',
  )
export const host = z.string().regex(/^[A-Za-z0-9._:%-]{1,253}$/, 'must be a host name or an IP address')
/** The name of a line of the header or of a bridge: it stands in paths of the API and in topics. */
export const lineName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
    'must be a name of 1 to 64 letters, digits, dots, hyphens or underscores',
  )
/** 0: any free port. */
export const listenPort = z.int().min(0).max(65_535)

/**
 * A list whose entries differ in what `key` gives (undefined: not comparable). Said also while an entry has faults of
 * its own, so that all faults come at once.
 */
export const distinct = <T extends z.ZodType>(
  entry: T,
  key: (entry: z.output<T>) => string | undefined,
  words: string,
) =>
  z.array(entry).refine(
    list => {
      const keys = list.map(key).filter(each => each !== undefined)
      return new Set(keys).size === keys.length
    },
    {
      error: words,
      when: ({ value }) => Array.isArray(value) && value.every(each => each instanceof Object),
    },
  )

export const address = (at: { host: string; port: number }): string | undefined =>
  at.host && at.port ? `${at.host} ${at.port}` : undefined

export const isLoopback = (name: string): boolean =>
  /^(localhost|127(\.\d{1,3}){3}|::1|::ffff:127(\.\d{1,3}){3})$/i.test(name)
