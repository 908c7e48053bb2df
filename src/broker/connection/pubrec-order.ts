interface Due {
  readonly messageId: number
  /** Undefined while the message is on its way to those who get it. */
  answer: (() => void) | undefined
}

/** Of each connection its QoS 2 messages that are not answered yet, in the order in which they came. */
const orders = new WeakMap<object, Due[]>()

/**
 * aedes answers a QoS 2 message of a lasting session when all who listen have been served, which takes longer for some messages than
 * for others; PUBREC has to come in the order of PUBLISH all the same [MQTT-4.6.0-3].
 */
export function pubrecBegins(client: object, messageId: number): void {
  const order = orders.get(client)
  const due = { messageId, answer: undefined }
  if (order === undefined) orders.set(client, [due])
  else order.push(due)
}

/** Calls `answer` as soon as every message that came before has been answered; at once for one that has not begun. */
export function pubrecIsDue(client: object, messageId: number | undefined, answer: () => void): void {
  const order = orders.get(client)
  const due = order?.find(each => each.messageId === messageId && each.answer === undefined)
  if (order === undefined || due === undefined) return answer()
  due.answer = answer
  for (let first = order[0]; first?.answer !== undefined; first = order[0]) {
    order.shift()
    first.answer()
  }
}
