import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type LineModel, startLineModel } from '../../support/line-model.ts'
import type { Context } from '../context.ts'
import { atMost, type Row, row, type Target } from '../row.ts'
import { GatewayFolder, type NodeSettings } from './gateway-process.ts'
import { type StartedProcess, startProcess } from './started-process.ts'

const boards = 2
const baudRate = 500_000
const limitMb = 100
/** V8 gives back what the start has left behind after some twenty idle seconds. */
const settleMs = 30_000

interface Contender {
  readonly what: string
  readonly process: StartedProcess
  readonly target?: Target
  stop(): Promise<void>
}

/** Memory of a gateway that has nothing to do, started by hand and as the service, beside that of its libraries alone. */
export async function* idleMemory({ main, seed }: Context): AsyncGenerator<Row> {
  const contenders: Contender[] = []
  try {
    contenders.push(await gatewayWith('by hand', main, { flags: [], env: {} }, seed))
    contenders.push(await gatewayWith('as the service', main, await serviceSettings(), seed))
    contenders.push(await bareStack())
    const before = await Promise.all(contenders.map(({ process }) => process.cpuSeconds()))
    await sleep(settleMs)
    for (const [i, { what, process, target }] of contenders.entries()) {
      const { rss, pss } = await process.memoryBytes()
      const cores = ((await process.cpuSeconds()) - (before[i] ?? 0)) / (settleMs / 1000)
      yield row({
        case: 'memory',
        line: `after ${settleMs / 1000} s`,
        what,
        figure: rss / 1e6,
        unit: 'MB',
        seed,
        detail: { 'PSS MB': pss / 1e6, 'CPU % of a core': 100 * cores },
        ...(target && { target }),
      })
    }
  } finally {
    await Promise.all(contenders.map(contender => contender.stop()))
  }
}

async function gatewayWith(
  how: string,
  main: string,
  settings: NodeSettings,
  seed: number,
): Promise<Contender> {
  const model = await startLineModel({ baudRate, nativeBoard: true, lines: boards, seed })
  const folder = await GatewayFolder.make({ ports: hostsOf(model), baudRate })
  let process: StartedProcess | undefined
  const stop = async () => {
    await process?.end()
    await folder.remove()
    await model.stop()
  }
  try {
    const gateway = await folder.start(main, settings)
    process = gateway.process
    await gateway.boardsConnected(boards)
    return { what: `pixelgate ${how}, ${boards} boards`, process, target: atMost(limitMb), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

const hostsOf = ({ lines }: LineModel): string[] => lines.map(({ host }) => host)

/** What the unit gives to Node. */
export async function serviceSettings(): Promise<NodeSettings> {
  const unit = await readFile(new URL('../../../systemd/pixelgate.service', import.meta.url), 'utf8')
  const command = /^ExecStart=\S+ (.*)$/m.exec(unit)?.[1] ?? ''
  const variables = unit.matchAll(/^Environment=(\w+)=(\S+)$/gm)
  return {
    flags: command.split(' ').filter(word => word.startsWith('--max')),
    env: Object.fromEntries([...variables].map(([, name, value]) => [name, value])),
  }
}

async function bareStack(): Promise<Contender> {
  const file = fileURLToPath(new URL('bare-stack.mjs', import.meta.url))
  const process = await startProcess(globalThis.process.execPath, [file], text => text === 'ready')
  return { what: 'koa, aedes, better-sqlite3', process, stop: () => process.end() }
}
