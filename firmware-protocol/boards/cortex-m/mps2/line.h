#ifndef LINE_H
#define LINE_H

#define LINE_IRQ 0u
#define BYTE_TIMER_IRQ 8u

void line_start(void);

/* Interrupts. */
void line_received(void);
void line_byte_due(void);

#endif
