import { type Motion, motion, type Theme, theme } from '../state/appearance.ts'
import { SelectField } from './select-field.tsx'

/** Choices of this browser alone. */
export function Appearance() {
  return (
    <section class="card">
      <h2>Appearance</h2>
      <div class="columns">
        <SelectField<Theme>
          label="Colours"
          value={theme.value}
          options={[
            ['system', 'as the device'],
            ['light', 'light'],
            ['dark', 'dark'],
          ]}
          onChange={value => {
            theme.value = value
          }}
        />
        <SelectField<Motion>
          label="Pictures of patterns"
          value={motion.value}
          options={[
            ['system', 'move as the device allows'],
            ['on', 'move'],
            ['off', 'stand still'],
          ]}
          onChange={value => {
            motion.value = value
          }}
        />
      </div>
    </section>
  )
}
