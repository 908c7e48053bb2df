import { parseVirtualBoard, runVirtualBoard } from '../board-virtual.ts'
import type { Command } from '../command.ts'

export const boardVirtual: Command = {
  name: 'board virtual',
  summary:
    'Run a virtual board: the real board library behind a pty, a TCP port, a serial device or an MQTT client',
  operands: '',
  operandCount: [0, 0],
  options: {
    pty: { type: 'string', value: 'LINK', help: 'make a pseudo-terminal and link it here' },
    serial: { type: 'string', value: 'DEV', help: 'an existing serial device (with --baud)' },
    baud: { type: 'string', value: 'N', help: 'its rate; default 115200' },
    tcp: { type: 'string', value: 'PORT', help: 'listen on this port' },
    host: { type: 'string', value: 'ADDR', help: 'address for --tcp; default 127.0.0.1' },
    mqtt: { type: 'string', value: 'URL', help: 'connect to the broker of a gateway, mqtt:// or mqtts://' },
    'mqtt-user': { type: 'string', value: 'NAME', help: "the board's own user there" },
    'mqtt-password-file': { type: 'string', value: 'FILE', help: 'its password' },
    'mqtt-ca': { type: 'string', value: 'FILE', help: 'authority of the broker, for mqtts://' },
    'mqtt-gateway': { type: 'string', value: 'ID', help: 'id of the gateway; default: it tells' },
    leds: { type: 'string', value: 'WxH|N', help: 'its matrix, or the length of its strip' },
    uuid: { type: 'string', value: 'U', help: 'its identity; default: derived from --flash, else random' },
    name: { type: 'string', value: 'TEXT', help: 'its name' },
    flash: { type: 'string', value: 'FILE', help: 'keep its flash in a file' },
    'flash-size': { type: 'string', value: 'BYTES', help: 'default 4 MiB' },
    slots: { type: 'string', value: 'N', help: 'patterns it can hold' },
    'max-body': { type: 'string', value: 'BYTES', help: 'largest frame body it takes' },
    window: { type: 'string', value: 'BYTES', help: 'highest credit it grants' },
    'ram-limit': { type: 'string', value: 'BYTES', help: 'memory for decoding and receiving' },
    'frames-out': { type: 'string', value: 'FILE', help: 'append what it plays, a JSON line a frame' },
    fault: {
      type: 'string',
      multiple: true,
      value: 'FAULT',
      help: 'power-cut@N (at flash operation N), mute@N (after N bytes), lie-hash, slow-flash=MS; may be repeated',
    },
  },
  examples: [
    'pixelgate board virtual --pty /tmp/board --leds 16x16 --flash board.flash',
    'pixelgate board virtual --tcp 7000 --leds 60 --fault power-cut@40',
    'pixelgate board virtual --mqtt mqtt://127.0.0.1:1883 --mqtt-user shelf --mqtt-password-file secret --uuid U --leds 60',
  ],
  run: (_operands, options, { stdout, signal }) =>
    runVirtualBoard(parseVirtualBoard(options), stdout, signal),
}
