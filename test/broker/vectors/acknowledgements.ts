import { closed, type Vector } from './vector.ts'

const acks = [
  ['PUBACK', '40'],
  ['PUBREC', '50'],
  ['PUBREL', '62'],
  ['PUBCOMP', '70'],
] as const

/** After CONNACK. */
export const acknowledgementVectors: readonly Vector[] = [
  ...acks.flatMap(([name, type]): Vector[] => [
    ['MQTT-2.3.1-1', `${name} with identifier 0`, `${type} 02 0000`, closed],
    ['3.4.1', `${name} without anything`, `${type} 00`, closed],
    ['3.4.1', `${name} with half an identifier`, `${type} 01 00`, closed],
    ['3.4.1', `${name} with a byte behind its identifier`, `${type} 03 0001 00`, closed],
    ['3.4.1', `${name} with two bytes behind its identifier`, `${type} 04 0001 0000`, closed],
    ['3.4.1', `${name} of 127 bytes`, `${type} 7f 0001 <{x:125}>`, closed],
  ]),
  ['4.3.2', 'PUBACK of what was never sent', '40 02 1234', ''],
  ['4.3.2', 'PUBACK of identifier 65,535', '40 02 ffff', ''],
  ['4.3.3', 'PUBCOMP of what was never sent', '70 02 1234', ''],
  ['4.3.3', 'PUBREC of what was never sent', '50 02 1234', '62 02 1234'],
  ['MQTT-4.3.3-2', 'PUBREL of what was never sent', '62 02 1234', '70 02 1234'],
  ['MQTT-4.3.3-2', 'PUBREL twice', '62 02 0005 | 62 02 0005', '70 02 0005 | 70 02 0005'],
  ['MQTT-4.3.2-2', 'PUBLISH of QoS 1', "32 * '@/a' 0001 <x>", '40 02 0001'],
  ['MQTT-4.3.2-2', 'PUBLISH of QoS 1 without a payload', "32 * '@/a' 0001", '40 02 0001'],
  ['MQTT-2.3.1-6', 'PUBLISH of QoS 1 with identifier 65,535', "32 * '@/a' ffff", '40 02 ffff'],
  ['MQTT-2.3.1-6', 'PUBLISH of QoS 1 with identifier 256', "32 * '@/a' 0100", '40 02 0100'],
  ['MQTT-4.3.2-2', 'PUBLISH of QoS 1 with DUP', "3a * '@/a' 0001 <x>", '40 02 0001'],
  [
    'MQTT-4.3.2-2',
    'the same identifier again, once it is free',
    "32 * '@/a' 0001 | 32 * '@/a' 0001",
    '40 02 0001 | 40 02 0001',
  ],
  ['MQTT-4.3.3-2', 'PUBLISH of QoS 2', "34 * '@/a' 0001 <x>", '50 02 0001'],
  ['MQTT-4.3.3-2', 'PUBLISH of QoS 2 with DUP', "3c * '@/a' 0001 <x>", '50 02 0001'],
  ['MQTT-2.3.1-6', 'PUBLISH of QoS 2 with identifier 65,535', "34 * '@/a' ffff", '50 02 ffff'],
  [
    'MQTT-4.3.3-2',
    'PUBLISH of QoS 2 and its PUBREL',
    "34 * '@/a' 0002 | 62 02 0002",
    '50 02 0002 | 70 02 0002',
  ],
  [
    'MQTT-4.3.3-2',
    'PUBLISH of QoS 2 twice before PUBREL',
    "34 * '@/a' 0002 | 3c * '@/a' 0002",
    '50 02 0002 | 50 02 0002',
  ],
  [
    'MQTT-4.3.3-2',
    'PUBREL three times',
    "34 * '@/a' 0002 | 62 02 0002 | 62 02 0002 | 62 02 0002",
    '50 02 0002 | 70 02 0002 | 70 02 0002 | 70 02 0002',
  ],
  [
    'MQTT-4.3.3-2',
    'two QoS 2 messages that overlap',
    "34 * '@/a' 0002 | 34 * '@/b' 0003 | 62 02 0003 | 62 02 0002",
    '50 02 0002 | 50 02 0003 | 70 02 0003 | 70 02 0002',
  ],
  [
    'MQTT-4.3.3-2',
    'an identifier that is used again after its PUBREL',
    "34 * '@/a' 0002 | 62 02 0002 | 34 * '@/a' 0002 | 62 02 0002",
    '50 02 0002 | 70 02 0002 | 50 02 0002 | 70 02 0002',
  ],
  [
    '2.3.1',
    'one identifier for QoS 1 and for SUBSCRIBE',
    "32 * '@/a' 0009 | 82 * 0009 '@/b' 01",
    '40 02 0009 | 90 03 0009 01',
  ],
  [
    '2.3.1',
    'QoS 1 and QoS 2 with one identifier',
    "34 * '@/a' 0009 | 32 * '@/a' 0009",
    '50 02 0009 | 40 02 0009',
  ],
]
