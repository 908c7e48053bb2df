import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { AppError } from '../../src/kernel/errors.ts'
import { Prng } from '../../src/link/prng.ts'
import { PowerCut } from '../../src/virtual/board-storage.ts'
import { Flash } from '../../src/virtual/flash.ts'
import { tornErase, tornProgram } from '../../src/virtual/torn-operation.ts'

const seededRandom = (seed: number): (() => number) => {
  const prng = new Prng(seed)
  return () => prng.real()
}

const UNIT = 64
const SIZE = 4 * UNIT

type Operation =
  | { readonly kind: 'write'; readonly address: number; readonly data: Uint8Array }
  | { readonly kind: 'erase'; readonly unit: number; readonly units: number }

const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({
    kind: fc.constant('write' as const),
    address: fc.integer({ min: 0, max: SIZE - 1 }),
    data: fc.uint8Array({ minLength: 1, maxLength: 40 }),
  }),
  fc.record({
    kind: fc.constant('erase' as const),
    unit: fc.integer({ min: 0, max: 3 }),
    units: fc.integer({ min: 1, max: 3 }),
  }),
)

const apply = (flash: Flash, op: Operation): number =>
  op.kind === 'write' ? flash.write(op.address, op.data) : flash.erase(op.unit * UNIT, op.units * UNIT)

/** The same on a plain array: what the docstring of Flash promises. */
function model(bytes: Uint8Array, op: Operation): boolean {
  const [from, length] =
    op.kind === 'write' ? [op.address, op.data.length] : [op.unit * UNIT, op.units * UNIT]
  if (from + length > bytes.length) return false
  for (let i = 0; i < length; i++) {
    bytes[from + i] = op.kind === 'erase' ? 0xff : (bytes[from + i] ?? 0) & (op.data[i] ?? 0)
  }
  return true
}

function temporaryFile(test: { teardown(act: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'flash-'))
  test.teardown(() => rmSync(folder, { recursive: true }))
  return join(folder, 'board.flash')
}

function cutOf(act: () => void): PowerCut {
  try {
    act()
  } catch (thrown) {
    if (thrown instanceof PowerCut) return thrown
    throw thrown
  }
  throw new Error('the power was not cut')
}

t.test('writing clears bits, erasing sets whole units, and nothing reaches beyond the end', async t => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 40 }), operations => {
      const flash = new Flash({ sizeBytes: SIZE, eraseUnit: UNIT })
      const expected = new Uint8Array(SIZE).fill(0xff)
      for (const op of operations) {
        const done = model(expected, op)
        if ((apply(flash, op) === 0) !== done) return false
        if (!flash.contents().every((byte, i) => byte === expected[i])) return false
      }
      const read = new Uint8Array(SIZE)
      return flash.read(0, read) === 0 && read.every((byte, i) => byte === expected[i])
    }),
  )
  const flash = new Flash({ sizeBytes: SIZE, eraseUnit: UNIT })
  t.ok(flash.read(SIZE - 3, new Uint8Array(4)) < 0)
  t.ok(flash.erase(1, UNIT) < 0, 'an erase begins at a unit')
  t.ok(flash.erase(0, UNIT - 1) < 0, 'and ends with one')
  t.equal(flash.sizeBytes, SIZE)
})

t.test(
  'each write and each erased unit counts as an operation, and bits wanted back to 1 are counted',
  async t => {
    const flash = new Flash({ sizeBytes: SIZE, eraseUnit: UNIT })
    flash.write(0, Uint8Array.of(0x0f))
    flash.write(0, Uint8Array.of(0x3f))
    t.equal(flash.unerasedBits, 2)
    t.equal(flash.contents()[0], 0x0f)
    flash.erase(0, 3 * UNIT)
    t.equal(flash.operations, 5)
  },
)

t.test('a torn write only clears bits that it was to clear, and a torn erase keeps to its unit', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), fc.nat(), (before, seed) => {
      const random = seededRandom(seed)
      const wanted = before.map(byte => byte & Math.floor(random() * 256))
      const after = tornProgram(before, wanted, seededRandom(seed))
      const within = after.every(
        (byte, i) => (byte & ~(before[i] ?? 0)) === 0 && (~byte & (wanted[i] ?? 0)) === 0,
      )
      return within && tornErase(before, seededRandom(seed)).length === before.length
    }),
  )
  fc.assert(
    fc.property(
      fc.array(operation, { minLength: 1, maxLength: 12 }),
      fc.nat(),
      fc.integer({ min: 1, max: 8 }),
      (operations, seed, cut) => {
        const flash = new Flash({ sizeBytes: SIZE, eraseUnit: UNIT, seed })
        flash.cutAt(cut)
        for (const op of operations) {
          const before = flash.contents()
          try {
            apply(flash, op)
          } catch (thrown) {
            if (!(thrown instanceof PowerCut) || thrown.operation !== cut) return false
            const [from, length] =
              op.kind === 'write' ? [op.address, op.data.length] : [op.unit * UNIT, op.units * UNIT]
            return flash.contents().every((byte, i) => (i >= from && i < from + length) || byte === before[i])
          }
        }
        return flash.operations < cut
      },
    ),
  )
})

t.test(
  'the seed decides how an operation is torn, in many ways, and the same seed in the same way',
  async t => {
    const torn = (seed: number, tear: (flash: Flash) => void) => {
      const flash = new Flash({ sizeBytes: SIZE, eraseUnit: UNIT, seed })
      flash.write(
        0,
        new Uint8Array(UNIT).map((_, i) => i),
      )
      flash.cutAt(2)
      t.equal(cutOf(() => tear(flash)).operation, 2)
      return Buffer.from(flash.contents()).toString('hex')
    }
    for (const tear of [
      (flash: Flash) => flash.write(UNIT, new Uint8Array(UNIT)),
      (flash: Flash) => flash.erase(0, UNIT),
    ]) {
      const outcomes = new Set(Array.from({ length: 40 }, (_, seed) => torn(seed, tear)))
      t.ok(outcomes.size > 30, `${outcomes.size} outcomes of 40 seeds`)
      t.equal(torn(7, tear), torn(7, tear))
    }
  },
)

t.test('an operation after the cut one works on what the cut left', async t => {
  const flash = new Flash({ sizeBytes: SIZE, eraseUnit: UNIT, seed: 3 })
  flash.cutAt(1)
  cutOf(() => flash.erase(0, 2 * UNIT))
  t.equal(flash.operations, 1, 'the second unit was not begun')
  t.equal(flash.erase(0, SIZE), 0)
  t.ok(flash.contents().every(byte => byte === 0xff))
})

t.test(
  'a file holds what the chip holds after each operation, torn ones included, and is there again later',
  async t => {
    const file = temporaryFile(t)
    const first = new Flash({ sizeBytes: SIZE, eraseUnit: UNIT, file, seed: 5 })
    t.same(new Uint8Array(readFileSync(file)), new Uint8Array(SIZE).fill(0xff))
    first.cutAt(4)
    const steps = [
      () => first.write(10, Uint8Array.of(1, 2, 3)),
      () => first.erase(0, UNIT),
      () => first.write(100, new Uint8Array(50)),
      () => cutOf(() => first.write(0, new Uint8Array(UNIT))),
    ]
    for (const step of steps) {
      step()
      t.same(new Uint8Array(readFileSync(file)), first.contents())
    }
    const second = new Flash({ sizeBytes: SIZE, eraseUnit: UNIT, file })
    t.teardown(() => second.close())
    t.same(second.contents(), first.contents())
    first.close()
    t.ok(first.write(0, new Uint8Array(1)) < 0, 'what cannot be written to the file did not happen')
    t.same(first.contents(), second.contents())
  },
)

t.test('a file of another size, and one that cannot be opened, are refused in words', async t => {
  const file = temporaryFile(t)
  writeFileSync(file, new Uint8Array(100))
  const open = (path: string) => () => new Flash({ sizeBytes: SIZE, eraseUnit: UNIT, file: path })
  t.throws(
    open(file),
    new AppError(
      'file_invalid',
      `The flash file ${file} holds 100 bytes but the board's flash has ${SIZE}. Name another file, or give --flash-size 100.`,
    ),
  )
  t.throws(open(join(file, 'deeper')), { code: 'storage_failed' })
})
