import { render } from 'preact'
import { App } from './app.tsx'
import { begin } from './state/session.ts'
import { keepUp } from './state/start.ts'

const root = document.getElementById('panel')
if (root !== null) render(<App />, root)
keepUp()
void begin()
