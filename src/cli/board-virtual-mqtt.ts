import { readFile } from 'node:fs/promises'
import type { Clock } from '../kernel/clock.ts'
import { AppError, toError } from '../kernel/errors.ts'
import type { BoardTransport, TransportListeners } from '../virtual/board-transport.ts'

/** A virtual board's way to the broker of a gateway. */
export interface MqttBoardLine {
  readonly kind: 'mqtt'
  readonly url: string
  readonly user: string
  readonly passwordFile: string
  readonly caFile: string | undefined
  readonly gatewayId: string | undefined
}

type Option = 'mqtt' | 'mqtt-user' | 'mqtt-password-file' | 'mqtt-ca' | 'mqtt-gateway'

const schemes = ['mqtt:', 'mqtts:', 'ws:', 'wss:']

/** undefined: the board has another line. Throws AppError `usage`. */
export function parseMqttLine(text: (name: Option) => string | undefined): MqttBoardLine | undefined {
  const url = text('mqtt')
  const [user, passwordFile] = [text('mqtt-user'), text('mqtt-password-file')]
  const [caFile, gatewayId] = [text('mqtt-ca'), text('mqtt-gateway')]
  if (url === undefined) {
    const extra = [user, passwordFile, caFile, gatewayId].some(given => given !== undefined)
    if (extra) throw new AppError('usage', '--mqtt-… goes with --mqtt URL.')
    return undefined
  }
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed === undefined || !schemes.includes(parsed.protocol) || parsed.hostname === '')
    throw new AppError('usage', `--mqtt ${url} is no address: give mqtt://HOST:PORT or mqtts://HOST:PORT.`)
  if (parsed.username !== '' || parsed.password !== '')
    throw new AppError('usage', 'Others can read an address: give --mqtt-user and --mqtt-password-file.')
  if (user === undefined || passwordFile === undefined)
    throw new AppError(
      'usage',
      'Over MQTT a board has a credential of its own (pixelgate mqtt-user add NAME --board UUID): give --mqtt-user NAME and --mqtt-password-file FILE.',
    )
  if (gatewayId !== undefined && !/^[0-9a-f]{8}$/.test(gatewayId))
    throw new AppError('usage', `--mqtt-gateway ${gatewayId} is no id of a gateway: 8 hexadecimal digits.`)
  return { kind: 'mqtt', url, user, passwordFile, caFile, gatewayId }
}

/** Rejects with `file_missing`; what happens later is told to the listeners. */
export async function openMqtt(
  { url, user, passwordFile, caFile, gatewayId }: MqttBoardLine,
  {
    boardId,
    clock,
    listeners,
  }: { readonly boardId: string; readonly clock: Clock; readonly listeners: TransportListeners },
): Promise<BoardTransport> {
  const password = (await fileOf(passwordFile)).toString('utf8').trim()
  const ca = caFile === undefined ? undefined : await fileOf(caFile)
  const { MqttTransport } = await import('../virtual/mqtt-transport.ts')
  return new MqttTransport({ url, user, password, ca, gatewayId, boardId, clock }, listeners)
}

async function fileOf(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (cause) {
    throw new AppError('file_missing', `${path} cannot be read: ${toError(cause).message}`, { cause })
  }
}
