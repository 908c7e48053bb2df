/**
 * What node:http does by itself with the same status: `fresh` writes it as JSON for each answer, as a status wants to be that
 * changes; `ready` sends bytes that were made once, the least that an answer can cost.
 */
import { createServer } from 'node:http'

const [how = '', text = ''] = process.argv.slice(2)
const status = JSON.parse(Buffer.from(text, 'base64').toString('utf8'))
const ready = Buffer.from(JSON.stringify(status))
const server = createServer((_request, response) => {
  const body =
    how === 'ready' ? ready : Buffer.from(JSON.stringify({ ...status, uptimeSeconds: process.uptime() }))
  response.writeHead(200, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': body.length,
  })
  response.end(body)
})
server.listen(0, '127.0.0.1', () => process.stdout.write(`listening on ${server.address().port}\n`))
