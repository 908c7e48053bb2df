import fc from 'fast-check'
import t from 'tap'
import {
  bytesPerPixel,
  colorOrderCode,
  colorOrderOf,
  colorOrders,
  decodeColors,
  encodeColors,
  parseColorOrder,
  parsePixelOrder,
  pixelOrders,
  whiteModes,
} from '../../src/pattern/color-order.ts'
import { fault, value } from './pattern-files.ts'

const pixelsOf = fc.uint8Array({ minLength: 1, maxLength: 60 }).map(bytes => {
  const whole = new Uint8Array(bytes.length * 3)
  for (const [at, value] of bytes.entries())
    whole.set([value, bytes[(at * 7) % bytes.length] ?? 0, 255 - value], at * 3)
  return whole
})

t.test('each colour order has its code and its place for red, green, blue and white', async t => {
  for (const [code, order] of ['RGB', 'RBG', 'GRB', 'GBR', 'BRG', 'BGR'].entries()) {
    const plain = value(parseColorOrder(order.toLowerCase()))
    const white = value(parseColorOrder(` ${order}w `))
    t.equal(colorOrderCode(plain), code)
    t.equal(colorOrderCode(white), code + 8)
    t.equal(colorOrderOf(code), plain)
    t.equal(colorOrderOf(code + 8), white)
    const letters = new Uint8Array(Buffer.from('RGBRGB'))
    t.equal(Buffer.from(encodeColors(letters, plain)).toString(), order + order)
    t.equal(Buffer.from(encodeColors(letters, white, 'none')).toString(), `${order}\0${order}\0`)
    t.equal(Buffer.from(letters).toString(), 'RGBRGB', 'the pixels are left as they were')
  }
  t.equal(colorOrders.length, 12)
  for (const code of [-1, 6, 7, 14, 255]) t.equal(colorOrderOf(code), undefined)
  t.match(fault(parseColorOrder('WRGB')), { kind: 'bad_request', message: /GRBW/ })
  t.match(fault(parseColorOrder('RGB565BE')), { kind: 'bad_request' })
})

t.test('white is taken out of the colours, lit beside them, or left dark', async t => {
  const pixel = Uint8Array.from([200, 100, 50])
  t.same([...encodeColors(pixel, 'RGBW')], [150, 50, 0, 50])
  t.same([...encodeColors(pixel, 'RGBW', 'brighter')], [200, 100, 50, 50])
  t.same([...encodeColors(pixel, 'BGRW', 'none')], [50, 100, 200, 0])
  t.same([...decodeColors(Uint8Array.from([250, 0, 0, 20]), 'RGBW')], [255, 20, 20], 'no more than full')
})

t.test('colours come back from every order of bytes and way to make white', async () => {
  fc.assert(
    fc.property(
      pixelsOf,
      fc.constantFrom(...colorOrders),
      fc.constantFrom(...whiteModes),
      (pixels, order, white) => {
        const bytes = encodeColors(pixels, order, white)
        const right = bytes.length === (pixels.length / 3) * bytesPerPixel(order)
        return right && Buffer.compare(decodeColors(bytes, order, white), pixels) === 0
      },
    ),
  )
})

t.test('16 bits keep the top bits: the second time nothing changes any more', async t => {
  t.same(
    [...encodeColors(Uint8Array.from([255, 0, 0, 0, 255, 0, 0, 0, 255]), 'RGB565BE')],
    [0xf8, 0x00, 0x07, 0xe0, 0x00, 0x1f],
  )
  t.same([...encodeColors(Uint8Array.from([255, 0, 0]), 'RGB565LE')], [0x00, 0xf8])
  t.same(
    [...decodeColors(Uint8Array.from([0xff, 0xff, 0]), 'RGB565LE')],
    [255, 255, 255],
    'half a pixel is none',
  )
  t.same(
    pixelOrders.map(order => bytesPerPixel(value(parsePixelOrder(order.toLowerCase())))),
    [3, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 2, 2],
  )
  t.match(fault(parsePixelOrder('RGB565')), { message: /RGB565BE, RGB565LE/ })
  fc.assert(
    fc.property(pixelsOf, fc.constantFrom('RGB565BE', 'RGB565LE'), (pixels, order) => {
      const bytes = encodeColors(pixels, order)
      const shown = decodeColors(bytes, order)
      const near = shown.every((value, at) => Math.abs(value - (pixels[at] ?? 0)) <= 7)
      return near && Buffer.compare(encodeColors(shown, order), bytes) === 0
    }),
  )
})
