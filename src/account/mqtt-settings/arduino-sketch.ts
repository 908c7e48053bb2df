import type { ClientSettings } from './client-settings.ts'

const text = (value: string): string => JSON.stringify(value)

/** For PubSubClient (Nick O'Leary) on an ESP32 or ESP8266. */
export function arduinoSketch(settings: ClientSettings): string {
  const { host, port, tls, user, password, clientId, topic } = settings
  const own = user.access === 'board' ? topic : user.name
  return [
    ...(tls ? ['#include <WiFiClientSecure.h>'] : ['#include <WiFiClient.h>']),
    '#include <PubSubClient.h>',
    '',
    `static const char mqttHost[] = ${text(host)};`,
    `static const uint16_t mqttPort = ${port};`,
    `static const char mqttUser[] = ${text(user.name)};`,
    `static const char mqttPassword[] = ${text(password)};`,
    `static const char mqttClientId[] = ${text(clientId)};`,
    `static const char mqttOwn[] = ${text(`${own}/`)};`,
    `static const char mqttAvailability[] = ${text(`${own}/availability`)};`,
    ...trust(settings),
    '',
    'void mqttSetup() {',
    ...(tls ? setTrust(settings) : []),
    '  mqtt.setServer(mqttHost, mqttPort);',
    '  mqtt.setBufferSize(1024);',
    '}',
    '',
    '// Call it from loop() until it is true, then mqtt.loop().',
    'bool mqttConnect() {',
    '  if (mqtt.connected()) return true;',
    '  return mqtt.connect(mqttClientId, mqttUser, mqttPassword, mqttAvailability, 1, true, "offline") &&',
    '         mqtt.publish(mqttAvailability, "online", true) &&',
    `         mqtt.subscribe(${text(`${own}/cmd/+`)}, 1);`,
    '}',
  ].join('\n')
}

function trust({ tls, authority }: ClientSettings): readonly string[] {
  if (!tls) return ['WiFiClient net;', 'PubSubClient mqtt(net);']
  const pem =
    authority === undefined
      ? []
      : ['static const char mqttAuthority[] PROGMEM = R"PEM(', ...authority.trimEnd().split('\n'), ')PEM";']
  const anchors =
    authority === undefined ? [] : ['#ifdef ESP8266', 'BearSSL::X509List mqttTrust(mqttAuthority);', '#endif']
  return [...pem, 'WiFiClientSecure net;', 'PubSubClient mqtt(net);', ...anchors]
}

/** Both compare dates, so the chip has to know the time first (configTime). */
function setTrust({ authority }: ClientSettings): readonly string[] {
  if (authority === undefined) return ['  // Set the certificate authority of your network here.']
  return [
    '#ifdef ESP8266',
    '  net.setTrustAnchors(&mqttTrust);',
    '#else',
    '  net.setCACert(mqttAuthority);',
    '#endif',
  ]
}
