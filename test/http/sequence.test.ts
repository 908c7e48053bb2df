import t from 'tap'
import { fseqFile } from '../pattern/formats/fseq-files.ts'
import { lanRig } from './lan-rig.ts'

t.test(
  'a part of a stored sequence is described and previewed; ranges that are none are refused',
  async t => {
    const { local } = await lanRig(t)
    const frames = Array.from({ length: 20 }, (_, frame) => new Uint8Array(30).fill(frame + 1))
    const body = fseqFile({ channels: 30, frames, compression: 2 })
    const { json } = await local('/api/v1/patterns?name=show.fseq', { method: 'POST', body })
    t.match(json, {
      pattern: { format: 'fseq' },
      candidates: [{ leds: 10, channels: 30, frames: 20 }, {}, {}],
    })
    const { id } = json['pattern'] as { id: string }
    const base = `/api/v1/patterns/${id}`
    t.match(await local(`${base}/candidates?channels=1-6`), { json: { candidates: [{ leds: 2 }, {}, {}] } })
    for (const channels of ['7-12', '7+6', '7%2B6']) {
      const preview = await local(`${base}/preview?channels=${channels}&frames=3-4`)
      t.match(
        preview,
        { status: 200, json: { width: 2, height: 1, frames: 2, delaysMs: [25, 25] } },
        channels,
      )
      t.same([...Buffer.from(String(preview.json['pixels']), 'base64')], [3, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4])
    }
    for (const query of ['channels=6', 'channels=0-5', 'frames=20-21', 'channels=1-31', 'frames=a-b'])
      t.match(await local(`${base}/preview?${query}`), { status: /^(400|422)$/ }, query)
    const job = (more: object) =>
      local('/api/v1/jobs', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ patternId: id, boards: ['nobody'], ...more }),
      })
    t.match(await job({ channels: 'first' }), { status: 422, json: { detail: /counted from 1/ } })
  },
)
