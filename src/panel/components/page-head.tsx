import type { ComponentChildren } from 'preact'

interface Props {
  readonly title: string
  readonly words?: string
  readonly children?: ComponentChildren
}

/** The heading of a page and what one can do with all of it. */
export function PageHead({ title, words = '', children }: Props) {
  return (
    <header class="page-head">
      <div>
        <h1>{title}</h1>
        {words !== '' && <p class="quiet">{words}</p>}
      </div>
      {children !== undefined && <div class="row">{children}</div>}
    </header>
  )
}
