import { z } from 'zod'

/** Size of the frames that a picture is cut into. */
export const sprite = z.string().regex(/^[1-9]\d{0,4}x[1-9]\d{0,4}$/i, 'a width and a height such as 16x16')

/** Channels of a sequence, or frames, counted from 1: `FIRST-LAST` or `FIRST+COUNT`. A plus sign in a query arrives as a space. */
export const part = z
  .string()
  .regex(/^\d{1,10}[-+ ]\d{1,10}$/, 'a range such as 1-300 or 1+300, counted from 1')
  .transform(text => text.replace(' ', '+'))
