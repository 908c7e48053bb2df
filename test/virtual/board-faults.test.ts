import t from 'tap'
import { noFaults, parseFaults } from '../../src/virtual/board-faults.ts'

t.test('faults are read in any order, power cuts more than once', async t => {
  t.same(parseFaults([]), noFaults)
  t.same(parseFaults(['slow-flash=20', 'power-cut@7', 'lie-hash', 'mute@0', 'power-cut@1']), {
    powerCutAt: [7, 1],
    muteAfterBytes: 0,
    lieHash: true,
    slowFlashMs: 20,
  })
})

t.test('anything else is a usage error', async t => {
  for (const text of [
    '',
    'power-cut',
    'power-cut@0',
    'power-cut@x',
    'mute@-1',
    'mute@1.5',
    'mute@',
    'slow-flash=',
    'lie-hash=1',
    'slow-flash@3',
    'power-cut@99999999999',
  ]) {
    t.throws(() => parseFaults([text]), { code: 'usage' }, text)
  }
})
