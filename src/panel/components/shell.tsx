import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import type { Page } from '../model/route.ts'
import { dark, toggleTheme } from '../state/appearance.ts'
import { chatOpen, openChat, unreadTotal } from '../state/chat.ts'
import { route } from '../state/router.ts'
import { isAdmin, me } from '../state/session.ts'
import { AlertBanner } from './alert-banner.tsx'
import { AlertBell } from './alert-bell.tsx'
import { Chat, Count } from './chat-drawer.tsx'
import { ConnectionState } from './connection-state.tsx'
import { DropAnywhere } from './drop-anywhere.tsx'
import { HttpBanner } from './http-banner.tsx'
import { Icon, type IconName } from './icon.tsx'
import { IconButton } from './icon-button.tsx'
import { Logo } from './logo.tsx'
import { MoreMenu } from './more-menu.tsx'
import { MqttBanner } from './mqtt-banner.tsx'

type Place = readonly [Page & IconName, string]

const everybodys: readonly Place[] = [
  ['boards', 'Boards'],
  ['upload', 'Upload'],
  ['jobs', 'Jobs'],
  ['gpio', 'GPIO'],
  ['metrics', 'Metrics'],
  ['settings', 'Settings'],
]
const admins: readonly Place[] = [['audit', 'Audit']]
/** A thumb reaches three places and the chat; the others are behind "More". */
const onPhone = 3

/** Everything around a page: where one can go, how the connection is, and the chat. */
export function Shell({ children }: { readonly children: ComponentChildren }) {
  const [more, setMore] = useState(false)
  const here = route.value.page
  const places = isAdmin.value ? [...everybodys, ...admins] : everybodys
  return (
    <div class={`shell ${chatOpen.value ? 'with-chat' : ''}`}>
      <button type="button" class="skip" onClick={skip}>
        Skip to the content
      </button>
      <header class="top">
        <a class="brand" href="#/boards">
          <Logo />
          <span>pixelgate</span>
        </a>
        <span class="grow" />
        <ConnectionState />
        <IconButton
          icon={dark.value ? 'sun' : 'moon'}
          label={dark.value ? 'Light colours' : 'Dark colours'}
          onClick={toggleTheme}
        />
        <AlertBell />
        <ChatButton class="top-chat" />
      </header>
      <nav class="places" aria-label="Pages">
        {places.map(([page, name], at) => (
          <a
            key={page}
            href={`#/${page}`}
            class={at >= onPhone ? 'place wide-only' : 'place'}
            aria-current={here === page ? 'page' : undefined}
          >
            <Icon name={page} />
            <span>{name}</span>
          </a>
        ))}
        <ChatButton class="place phone-only" words />
        <button type="button" class="place phone-only" onClick={() => setMore(true)}>
          <Icon name="more" />
          <span>More</span>
        </button>
        <a class="who wide-only" href="#/settings">
          <Icon name="people" />
          <span class="clip">{me.value?.name}</span>
          <span class="quiet small">{me.value?.role}</span>
        </a>
      </nav>
      <main id="content" tabIndex={-1}>
        <HttpBanner />
        {isAdmin.value && <MqttBanner />}
        <AlertBanner />
        {children}
      </main>
      <Chat />
      {more && <MoreMenu places={places.slice(onPhone)} onClose={() => setMore(false)} />}
      <DropAnywhere />
    </div>
  )
}

const skip = () => document.getElementById('content')?.focus()

function ChatButton({ class: name, words = false }: { readonly class: string; readonly words?: boolean }) {
  const count = unreadTotal.value
  return (
    <button
      type="button"
      class={words ? name : `icon-button ${name}`}
      aria-label={count > 0 ? `Chat, ${count} unread` : 'Chat'}
      aria-expanded={chatOpen.value}
      title="Chat"
      onClick={() => openChat(!chatOpen.peek())}
    >
      <Icon name="chat" />
      {words && <span>Chat</span>}
      {count > 0 && <Count count={count} />}
    </button>
  )
}
