import type { Chip } from './chip-choice.ts'
import { getArgs, monitorArgs, parseEdge, parseEdgeTime } from './gpiod-syntax.ts'
import type { Tools } from './gpiod-tools.ts'
import { HeldTool } from './held-tool.ts'
import { LostNotice } from './lost-notice.ts'
import type { Pin, PinRequest } from './pin.ts'
import { runTool } from './run-tool.ts'

/** An edge that is told later than that was not: another clock has stamped it. */
const mostAgoMs = 10_000

/** How long ago the kernel has seen an edge; Node's hrtime is CLOCK_MONOTONIC, as the kernel's stamps are. */
function agoMs(seenMs: number | undefined): number {
  const ago = seenMs === undefined ? 0 : Number(process.hrtime.bigint()) / 1e6 - seenMs
  return ago > 0 && ago < mostAgoMs ? ago : 0
}

/**
 * An input: gpioget for the level at the start, then gpiomon for the edges. While gpiomon has the line nobody else can read
 * it, so the level afterwards is that of the last edge.
 */
export async function openInput(tools: Tools, chip: Chip, request: PinRequest): Promise<Pin> {
  const { version, clock, procFolder } = tools
  const got = await runTool(tools.path('gpioget'), getArgs(version, chip.name, request))
  if (got.status !== 0) throw await tools.failure('gpioget', chip, request, got.stderr)
  let active = got.stdout.trim() === '1'
  let listener: (active: boolean, agoMs?: number) => void = () => undefined
  const monitor = new HeldTool({
    command: tools.path('gpiomon'),
    args: monitorArgs(version, chip.name, request),
    clock,
    procFolder,
    onText: text => {
      const edge = parseEdge(version, text)
      if (typeof edge === 'boolean') {
        active = edge
        listener(edge, agoMs(parseEdgeTime(version, text)))
      }
      return edge !== undefined
    },
  })
  if (!(await monitor.ready())) throw await tools.failure('gpiomon', chip, request, await monitor.ended)
  const lost = new LostNotice()
  void monitor.ended.then(async ended => lost.tell(await tools.failure('gpiomon', chip, request, ended)))
  return {
    chip: chip.label,
    read: () => active,
    write: () => Promise.reject(new Error('an input is not written')),
    watch: next => {
      listener = next
    },
    onLost: told => lost.listen(told),
    close: async () => {
      lost.off()
      await monitor.end()
    },
  }
}
