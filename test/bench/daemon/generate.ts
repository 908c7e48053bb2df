import { createInterface } from 'node:readline'

export interface Load<Figures> {
  /** Figures count from here. */
  begin(): void
  end(): Figures
}

/** The child's side of a generator: connects with what the first line says, then obeys. Ends with its standard input. */
export async function generate<Config, Figures>(
  connect: (config: Config) => Promise<Load<Figures>>,
): Promise<void> {
  const lines = createInterface({ input: process.stdin })
  lines.once('close', () => process.exit())
  process.stdout.write(`${process.argv[2]}\n`)
  let load: Load<Figures> | undefined
  for await (const line of lines) {
    if (load === undefined) {
      load = await connect(JSON.parse(line) as Config)
      process.stdout.write('connected\n')
    } else if (line === 'begin') load.begin()
    else process.stdout.write(`${JSON.stringify(load.end())}\n`)
  }
}

/** Milliseconds since 1970 with a fraction, which Date.now() lacks. */
export const wallMs = (): number => performance.timeOrigin + performance.now()
