import t from 'tap'
import { FrameChannel } from '../../src/board/frame-channel.ts'
import { shakeHands } from '../../src/board/handshake.ts'
import { memoryLinkPair } from '../../src/link/memory-link.ts'
import { encodeFrame } from '../../src/protocol/frame.ts'
import { messageTypes } from '../../src/protocol/messages.ts'
import { healthy, pass, silent, someCaps, watch, wire } from './scripted-board.ts'

t.test('a board says who it is, in one page or in many', async t => {
  for (const pageBytes of [4096, 62, 20]) {
    const { clock, channel, board } = wire((board, frame) => board.caps(frame, someCaps, pageBytes))
    const seen = watch(shakeHands(channel, clock, 5000, () => 77))
    await pass(clock, 20)
    t.match(
      seen.value,
      { session: 77, caps: { leds: 256, boardName: 'shelf', bootId: 5 } },
      `${pageBytes} bytes a page`,
    )
    const pages = board.frames.map(({ body }) => body[4])
    t.same(
      pages,
      pages.map((_, page) => page),
      'each page is asked for once',
    )
    t.same(
      board.frames.map(({ seq }) => seq),
      pages.map((_, page) => page),
    )
    t.equal(seen.value?.nextSeq, pages.length)
    t.equal(board.frames[0]?.session, 77)
  }
})

t.test('a session is never zero', async t => {
  for (let i = 0; i < 300; i++) {
    const { clock, channel, board } = wire(silent)
    watch(shakeHands(channel, clock))
    clock.advance(1)
    if (board.frames[0]?.session === 0 || board.frames[0] === undefined) t.fail('session 0')
  }
})

t.test('HELLO is repeated until the board has booted, and stops with the answer', async t => {
  const { clock, channel, board } = wire(silent)
  const seen = watch(shakeHands(channel, clock))
  await pass(clock, 2000)
  t.equal(board.frames.length, 4, 'at 0, 250, 750 and 1,750 ms')
  board.answer = healthy()
  await pass(clock, 1000)
  t.ok(seen.value)
  const sent = board.frames.length
  await pass(clock, 5000)
  t.equal(board.frames.length, sent)
})

t.test('a mute board is named after five seconds, a chattering stranger as well', async t => {
  const mute = wire(silent)
  const nothing = watch(shakeHands(mute.channel, mute.clock))
  await pass(mute.clock, 4999)
  t.same(nothing, {})
  await pass(mute.clock, 2)
  t.match(nothing.error, { code: 'board_mute', message: /Nothing answers on memory \(waited 5 s\)/ })

  const stranger = wire(board => board.link.write(new Uint8Array(300).fill(65)))
  const noise = watch(shakeHands(stranger.channel, stranger.clock, 500))
  await pass(stranger.clock, 501)
  t.match(noise.error, { code: 'board_garbage', message: /not in the pixelgate protocol \(\d+ bytes\)/ })
  const more = watch(shakeHands(stranger.channel, stranger.clock, 100))
  stranger.board.answer = silent
  await pass(stranger.clock, 101)
  t.equal(more.error?.code, 'board_mute', 'what was heard before does not count')
})

t.test('the words name the rate where there is one', async t => {
  const { clock } = wire(silent)
  const line = memoryLinkPair({ clock, baudRate: 9600 })
  const seen = watch(shakeHands(new FrameChannel(line.host, clock), clock, 100))
  await pass(clock, 101)
  t.match(seen.error?.message, /at 9600 baud/)
})

t.test('another version is refused by name, whoever says it', async t => {
  const polite = wire((board, frame) => board.refuse(frame, 21, 3))
  const refused = watch(shakeHands(polite.channel, polite.clock))
  await pass(polite.clock, 5)
  t.match(refused.error, { code: 'board_version', detail: { board: 3, gateway: 1 } })

  const future = wire((board, frame) => {
    const content = encodeFrame(messageTypes.CAPS, frame.session, frame.seq, new Uint8Array(0))
    board.link.write(content)
  })
  const short = watch(shakeHands(future.channel, future.clock, 300))
  await pass(future.clock, 301)
  t.equal(short.error?.code, 'board_mute', 'an empty CAPS is no answer')

  const rude = wire((board, frame) => board.refuse(frame, 12))
  const other = watch(shakeHands(rude.channel, rude.clock))
  await pass(rude.clock, 5)
  t.match(other.error, { code: 'board_refused', detail: { code: 12 } })
})

t.test('a record that cannot be read is the board’s fault', async t => {
  const { clock, channel } = wire((board, frame) =>
    board.say(frame, { type: 'CAPS', page: 0, pages: 1, bytes: new Uint8Array(10) }),
  )
  const seen = watch(shakeHands(channel, clock))
  await pass(clock, 5)
  t.equal(seen.error?.code, 'board_garbage')
})

t.test('answers to others and pages out of turn are passed over', async t => {
  const { clock, channel } = wire((board, frame) => {
    board.say(
      { session: (frame.session % 255) + 1, seq: frame.seq },
      { type: 'ERR', code: 21, requestType: 1, detail: 9 },
    )
    board.say(
      { session: frame.session, seq: frame.seq + 5 },
      { type: 'ERR', code: 21, requestType: 1, detail: 9 },
    )
    board.say(frame, { type: 'CAPS', page: 4, pages: 9, bytes: new Uint8Array(8) })
    board.say(frame, { type: 'LOG', text: 'hello' })
    board.caps(frame, someCaps)
  })
  const seen = watch(shakeHands(channel, clock))
  await pass(clock, 5)
  t.ok(seen.value)
})

t.test('a link that breaks while greeting ends it with the reason; nothing goes on afterwards', async t => {
  const pulled = wire(silent)
  const lost = watch(shakeHands(pulled.channel, pulled.clock))
  await pass(pulled.clock, 100)
  pulled.line.cut()
  await pass(pulled.clock, 1)
  t.match(lost.error, { code: 'link_lost', message: /cable was pulled/ })
  t.notOk(pulled.clock.step(), 'no timer is left')

  const closed = wire(silent)
  const ended = watch(shakeHands(closed.channel, closed.clock))
  await closed.line.host.close()
  await pass(closed.clock, 1)
  t.match(ended.error, { code: 'link_lost', message: 'memory was closed.' })

  const late = watch(shakeHands(closed.channel, closed.clock))
  await pass(closed.clock, 1)
  t.equal(late.error?.code, 'link_lost')
  t.notOk(closed.clock.step(), 'a closed link is not greeted')
})

t.test('many greetings on one link leave nothing behind on it', async t => {
  const { clock, line, channel } = wire(silent)
  let listeners = 0
  const { onClose } = line.host
  line.host.onClose = listener => {
    listeners++
    onClose.call(line.host, listener)
  }
  for (let i = 0; i < 20; i++) {
    const seen = watch(shakeHands(channel, clock, 10))
    await pass(clock, 11)
    t.equal(seen.error?.code, 'board_mute')
  }
  t.ok(listeners <= 1, `${listeners} listeners for 20 greetings`)
})

t.test('silence of 20 ms is ended by a delimiter; what passes is counted', async t => {
  const { clock, line, channel } = wire(silent)
  const writes: number[] = []
  line.board.onData(chunk => writes.push(chunk.length))
  channel.send(1, 1, 1, new Uint8Array(0))
  channel.send(1, 1, 2, new Uint8Array(0))
  await pass(clock, 19)
  channel.send(1, 1, 3, new Uint8Array(0))
  await pass(clock, 20)
  channel.send(1, 1, 4, new Uint8Array(0))
  await pass(clock, 1)
  t.same(writes.filter(length => length === 1).length, 2)
  t.equal(
    channel.bytesOut,
    writes.reduce((sum, length) => sum + length, 0),
  )
  t.equal(channel.framesOut, 4)
  line.cut()
  t.notOk(channel.send(1, 1, 5, new Uint8Array(0)), 'nothing is sent on a closed link')
  t.equal(channel.framesOut, 4)
})
