import { closed, type Vector } from './vector.ts'

/** What a client may send besides CONNECT and PUBLISH: a sound packet, its flags, and what its flags are for. */
const sound: readonly (readonly [name: string, type: string, flags: number, body: string, clause: string])[] =
  [
    ['PUBACK', '4', 0, '02 0007', 'MQTT-2.2.2-2'],
    ['PUBREC', '5', 0, '02 0007', 'MQTT-2.2.2-2'],
    ['PUBREL', '6', 2, '02 0007', 'MQTT-3.6.1-1'],
    ['PUBCOMP', '7', 0, '02 0007', 'MQTT-2.2.2-2'],
    ['SUBSCRIBE', '8', 2, "* 0007 '@/a' 00", 'MQTT-3.8.1-1'],
    ['UNSUBSCRIBE', 'a', 2, "* 0007 '@/a'", 'MQTT-3.10.1-1'],
    ['PINGREQ', 'c', 0, '00', 'MQTT-2.2.2-2'],
    ['DISCONNECT', 'e', 0, '00', 'MQTT-3.14.1-1'],
  ]

const flagVectors: readonly Vector[] = sound.flatMap(([name, type, flags, body, clause]) =>
  Array.from({ length: 16 }, (_, wrong) => wrong)
    .filter(wrong => wrong !== flags)
    .map(
      wrong =>
        [clause, `${name} with flags ${wrong}`, `${type}${wrong.toString(16)} ${body}`, closed] as const,
    ),
)

/** After CONNACK. */
export const headerVectors: readonly Vector[] = [
  ...flagVectors,
  ['2.2.1', 'type 0', '00 00', closed],
  ['2.2.1', 'type 0 with a body', '00 02 0001', closed],
  ['2.2.1', 'type 15', 'f0 00', closed],
  ['2.2.1', 'type 15 with all flags', 'ff 00', closed],
  ['2.2.1', 'CONNACK from a client', '20 02 0000', closed],
  ['2.2.1', 'SUBACK from a client', '90 03 0001 00', closed],
  ['2.2.1', 'UNSUBACK from a client', 'b0 02 0001', closed],
  ['2.2.1', 'PINGRESP from a client', 'd0 00', closed],
  ['MQTT-3.1.0-2', 'CONNECT a second time', "10 * 'MQTT' 04 02 003c 'again'", closed],
  ['MQTT-3.1.0-2', 'the same CONNECT a second time', "10 * 'MQTT' 04 02 003c '%'", closed],
  ['2.2.3', 'a length of five bytes', '30 ffffffff 01', closed],
  ['2.2.3', 'a length of five bytes that stands for little', 'c0 80808080 00', closed],
  ['2.2.3', 'a length in two bytes where one is enough', 'c0 8000', 'd0 00'],
  ['2.2.3', 'a length in three bytes where one is enough', 'c0 808000', 'd0 00'],
  ['2.2.3', 'a length in four bytes where one is enough', 'c0 80808000', 'd0 00'],
  [
    '2.2.3',
    'a PUBLISH whose length takes two bytes more than it needs',
    "32 a18000 '@/a' 0009",
    '40 02 0009',
  ],
  ['2.2.3', 'the longest length of one byte', "32 * '@/a' 0003 <{x:94}>", '40 02 0003'],
  ['2.2.3', 'the shortest length of two bytes', "32 * '@/a' 0004 <{x:95}>", '40 02 0004'],
  ['2.2.3', 'the longest length of two bytes', "32 * '@/a' 0005 <{x:16350}>", '40 02 0005'],
  ['2.2.3', 'the shortest length of three bytes', "32 * '@/a' 0006 <{x:16351}>", '40 02 0006'],
  ['limit', 'a packet of 256 MiB', '30 ffffff7f', closed],
  ['limit', 'a packet of 2 MiB, the shortest length of four bytes', '30 80808001', closed],
  ['MQTT-3.12.4-1', 'PINGREQ', 'c0 00', 'd0 00'],
  ['MQTT-3.12.4-1', 'three PINGREQ', 'c0 00 | c0 00 | c0 00', 'd0 00 | d0 00 | d0 00'],
  ['3.12', 'PINGREQ with a body', 'c0 01 00', closed],
  ['3.12', 'PINGREQ with an identifier', 'c0 02 0001', closed],
  ['3.14', 'DISCONNECT with a body', 'e0 01 00', closed],
  ['MQTT-3.14.4-2', 'DISCONNECT', 'e0 00', closed],
  ['MQTT-3.14.4-2', 'DISCONNECT with more behind it', 'e0 00 | c0 00', closed],
]
