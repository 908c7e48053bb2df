/** The libraries that the gateway stands on, with nothing of the gateway: what they need by themselves. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { Aedes } from 'aedes'
import Database from 'better-sqlite3'
import Koa from 'koa'

const database = new Database(':memory:')
database.exec('create table numbers (number integer)')
const broker = await Aedes.createBroker()
const mqtt = createServer(broker.handle).listen(0, '127.0.0.1')
const web = new Koa()
  .use(ctx => {
    ctx.body = database.prepare('select count(*) from numbers').get()
  })
  .listen(0, '127.0.0.1')
await Promise.all([once(mqtt, 'listening'), once(web, 'listening')])
process.stdout.write('ready\n')
