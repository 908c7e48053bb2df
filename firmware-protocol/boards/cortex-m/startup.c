/* From reset to main, and the vectors of the core; those of the chip follow in .vectors.chip. */
#include <stddef.h>
#include <stdint.h>

#include "core.h"

typedef void vector(void);

/* Of the linker script. */
extern vector stack_top;
extern uint32_t data_begin[], data_end[], data_stored[], bss_begin[], bss_end[];

vector reset_handler, fault_handler, systick_handler;
int main(void);

#define STACK_PAINT 0xC5C5C5C5u

__attribute__((used, section(".vectors.core"))) static vector *const vectors[16] = {
    &stack_top,    reset_handler, fault_handler, fault_handler, fault_handler, fault_handler, fault_handler, NULL,
    NULL,          NULL,          NULL,          fault_handler, fault_handler, NULL,          fault_handler, systick_handler,
};

/* Nothing can be told of it over the line; the boot id that rises does. */
void fault_handler(void) { core_reset(); }

void reset_handler(void) {
  const uint32_t *from = data_stored;
  core_interrupts_off();
  for (uint32_t *to = data_begin; to < data_end;) *to++ = *from++;
  for (uint32_t *to = bss_begin; to < bss_end;) *to++ = 0;
  /* The rest of RAM is stack: what is not painted any more was used. */
  for (volatile uint32_t *to = bss_end; (uintptr_t)to < (uintptr_t)__builtin_frame_address(0) - 64u;) *to++ = STACK_PAINT;
  main();
  core_reset();
}
