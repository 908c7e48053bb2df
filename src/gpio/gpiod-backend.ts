import { AppError } from '../kernel/errors.ts'
import { type Chip, checkLine, chooseChip } from './chip-choice.ts'
import { toolError } from './gpiod-error.ts'
import { openInput } from './gpiod-input.ts'
import { openOutput } from './gpiod-output.ts'
import { infoArgs, parseChips, parseHolder, parseVersion } from './gpiod-syntax.ts'
import type { GpiodOptions, Tools } from './gpiod-tools.ts'
import type { Pin, PinBackend, PinRequest } from './pin.ts'
import { runTool, toolPath } from './run-tool.ts'

/**
 * GPIO through the tools of libgpiod (Debian's package gpiod), 1.x or 2.x: no native code of ours, and the kernel's
 * character device, which needs no more than membership in the group gpio.
 * Rejects with `gpio_failed` when the tools are missing or of a version unknown here.
 */
export async function gpiodBackend(options: GpiodOptions): Promise<PinBackend> {
  const path = (tool: string) => toolPath(options.toolsFolder, tool)
  const { stdout } = await runTool(path('gpiodetect'), ['--version'])
  const version = parseVersion(stdout)
  if (version === undefined) {
    const told = stdout.split('\n', 1)[0] ?? ''
    throw new AppError(
      'gpio_failed',
      `gpiodetect says "${told}"; versions 1 and 2 of libgpiod are known here.`,
    )
  }
  const tools: Tools = {
    ...options,
    version,
    path,
    failure: async (tool, chip, { line }, ended) => {
      if (typeof ended !== 'string') return ended
      const holder = /resource busy/i.test(ended) ? await findHolder(tools, chip, line) : undefined
      return toolError({ tool, chip: chip.label, line, stderr: ended, holder })
    },
  }
  return {
    name: 'gpiod',
    open: async (request: PinRequest): Promise<Pin> => {
      const chip = chooseChip(request.chip, await listChips(tools, request))
      checkLine(chip, request.line)
      return request.direction === 'in' ? openInput(tools, chip, request) : openOutput(tools, chip, request)
    },
  }
}

async function listChips(tools: Tools, { chip, line }: PinRequest): Promise<Chip[]> {
  const { stdout, stderr } = await runTool(tools.path('gpiodetect'), [])
  const chips = parseChips(stdout)
  // Version 2 lists the chips that it may open, and complains of the others.
  if (chips.length === 0 && stderr.trim() !== '')
    throw toolError({ tool: 'gpiodetect', chip: chip === 'auto' ? 'the GPIO chips' : chip, line, stderr })
  return chips
}

async function findHolder(tools: Tools, { name }: Chip, line: number): Promise<string | undefined> {
  try {
    const { stdout } = await runTool(tools.path('gpioinfo'), infoArgs(tools.version, name))
    return parseHolder(stdout, line)
  } catch {
    return undefined
  }
}
