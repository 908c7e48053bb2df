import { useState } from 'preact/hooks'
import type { BoardChangeBody, BoardView } from '../../wire/board.ts'
import { nowMs } from '../live.ts'
import { trustWord } from '../model/boards.ts'
import { formatAgo, formatDuration } from '../model/format.ts'
import { asTrouble } from '../model/problem.ts'
import { readWiring, type Wiring, wiringText } from '../model/wiring.ts'
import { changeBoard } from '../state/boards.ts'
import { mayOperate } from '../state/session.ts'
import { say } from '../state/toasts.ts'
import { Dialog } from './dialog.tsx'
import { Facts } from './facts.tsx'
import { Notice } from './notice.tsx'
import { SelectField } from './select-field.tsx'
import { TextField } from './text-field.tsx'
import { WiringPicture } from './wiring-picture.tsx'

const colorOrders = [
  ...(['RGB', 'RBG', 'GRB', 'GBR', 'BRG', 'BGR'] as const),
  ...(['RGBW', 'RBGW', 'GRBW', 'GBRW', 'BRGW', 'BGRW'] as const),
]
type ColorOrder = (typeof colorOrders)[number]

interface Props {
  readonly board: BoardView
  readonly onClose: () => void
}

/** How a board is built: what the gateway must know to lay a pattern out for it. */
export function BoardSettings({ board, onClose }: Props) {
  const [name, setName] = useState(board.name)
  const [width, setWidth] = useState(String(board.width))
  const [height, setHeight] = useState(String(board.height))
  const [wiring, setWiring] = useState(readWiring(board.wiring))
  const [colorOrder, setColorOrder] = useState<ColorOrder>(
    colorOrders.find(known => known === board.colorOrder) ?? 'GRB',
  )
  const [power, setPower] = useState(board.powerCapMa === null ? '' : String(board.powerCapMa))
  const [trouble, setTrouble] = useState<string | null>(null)
  const wire = (part: Partial<Wiring>) => setWiring({ ...wiring, ...part })
  const laidOut = board.layout !== null
  const strip = laidOut || Number(width) === 0 || Number(height) <= 1
  const save = async () => {
    const change: BoardChangeBody = {
      name: name.trim(),
      // Either of them would take the layout away.
      ...(laidOut ? {} : { width: Number(width), height: Number(height), wiring: wiringText(wiring) }),
      colorOrder,
      powerCapMa: power.trim() === '' ? null : Number(power),
    }
    try {
      await changeBoard(board.id, change)
      say(`${change.name} is saved. It counts from the next upload on.`)
      onClose()
    } catch (thrown) {
      setTrouble(asTrouble(thrown).message)
    }
  }
  return (
    <Dialog title={`Settings of ${board.name}`} onClose={onClose}>
      <form
        class="form"
        onSubmit={event => {
          event.preventDefault()
          void save()
        }}
      >
        {trouble !== null && <Notice tone="bad">{trouble}</Notice>}
        <fieldset disabled={!mayOperate.value} class="form">
          <TextField label="Name" value={name} onInput={setName} required maxLength={32} autoComplete="off" />
          {!laidOut && (
            <div class="columns">
              <TextField
                label="Width"
                type="number"
                value={width}
                onInput={setWidth}
                min={0}
                max={65_535}
                required
              />
              <TextField
                label="Height"
                type="number"
                value={height}
                onInput={setHeight}
                min={0}
                max={65_535}
                required
              />
            </div>
          )}
          <p class="quiet small">
            {laidOut
              ? `The board has ${board.leds} LEDs and a layout of its own; see: pixelgate board set --layout`
              : `The board has ${board.leds} LEDs. Width and height 0: one strip.`}
          </p>
          {!strip && (
            <div class="wiring-fields">
              <WiringPicture wiring={wiring} width={Number(width)} height={Number(height)} />
              <div class="form">
                <SelectField
                  label="First LED"
                  value={wiring.start}
                  options={[
                    ['tl', 'top left'],
                    ['tr', 'top right'],
                    ['bl', 'bottom left'],
                    ['br', 'bottom right'],
                  ]}
                  onChange={start => wire({ start })}
                />
                <SelectField
                  label="The strip runs along"
                  value={wiring.along}
                  options={[
                    ['row', 'rows'],
                    ['column', 'columns'],
                  ]}
                  onChange={along => wire({ along })}
                />
                <SelectField
                  label="Every second line runs"
                  value={wiring.style}
                  options={[
                    ['serpentine', 'backwards (serpentine)'],
                    ['straight', 'the same way'],
                  ]}
                  onChange={style => wire({ style })}
                />
              </div>
            </div>
          )}
          <div class="columns">
            <SelectField
              label="Colour order"
              value={colorOrder}
              options={colorOrders.map(order => [order, order] as const)}
              onChange={setColorOrder}
            />
            <TextField
              label="Power cap, mA"
              type="number"
              value={power}
              onInput={setPower}
              min={1}
              max={1_000_000}
              placeholder="none"
            />
          </div>
        </fieldset>
        <Facts
          facts={[
            ['Address', board.address],
            ['Firmware', board.firmware],
            ['Identity', board.id],
            ['Key', trustWord[board.trust]],
            board.status === null
              ? ['Last seen', formatAgo(board.lastSeenAt, nowMs.value)]
              : ['Running for', formatDuration(board.status.uptimeSeconds * 1000)],
          ]}
        />
        <div class="row end">
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="button primary" disabled={!mayOperate.value}>
            Save
          </button>
        </div>
      </form>
    </Dialog>
  )
}
