import { z } from 'zod'

/** Body of POST /boards/:id/pairing. */
export const pairingOrder = z.strictObject({
  trustLine: z.boolean().default(false).describe('The first key may cross the network in the clear'),
})

/** Query of DELETE /boards/:id/pairing. */
export const unpairingOrder = z.strictObject({
  forget: z
    .enum(['true', 'false'])
    .default('false')
    .describe('Also when the board is away or does not prove its key'),
})
