import { type MessageName, messageTypes } from './messages.ts'

const names = new Map(
  Object.entries(messageTypes).map(([name, type]) => [type as number, name as MessageName]),
)

/** Name of a type on the wire (SPEC §2); undefined when this version knows none. */
export const messageName = (type: number): MessageName | undefined => names.get(type)
