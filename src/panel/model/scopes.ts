export const scopePresets = {
  look: ['boards:read', 'jobs:read', 'patterns:read', 'health:read', 'metrics:read', 'alerts:read'],
  play: ['boards:write', 'patterns:read'],
  upload: ['files:write', 'patterns:write', 'jobs:write', 'boards:read'],
  everything: ['*'],
} as const

export type ScopeChoice = keyof typeof scopePresets | 'own'

/** What was typed, as a list: `boards:read, jobs:write`. */
export const readScopes = (text: string): readonly string[] => [
  ...new Set(text.split(/[\s,;]+/).filter(scope => scope !== '')),
]
