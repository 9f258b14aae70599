import { render } from 'preact'
import { App } from './app.tsx'
import { keepFocus } from './focus.ts'
import { resumeSession } from './session.ts'
import './styles/index.css'

const root = document.getElementById('app')
if (root !== null) {
  keepFocus(root)
  render(<App />, root)
}
void resumeSession()

// A page that the browser keeps for "back" must not show a secret: reload it.
addEventListener('pageshow', (event) => {
  if (event.persisted) location.reload()
})
addEventListener('pagehide', () => {
  if (root !== null) render(null, root)
})
